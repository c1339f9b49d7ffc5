import { type CacheTemplate, readKeyTemplate } from '../../values/key-template.ts';
import { EntryFields, isRecord } from './entry-fields.ts';
import type { Path, PlanProblem } from './plan-document.ts';
import { type FieldReader, readChoice } from './plan-fields.ts';

export interface PlacedTemplate {
  path: Path;
  meter: string;
  template: CacheTemplate;
}

const fieldLengthMax = 100;
const shown = (value: unknown) => JSON.stringify(value)?.slice(0, 60);

const readKey: FieldReader<string> = (value, fail) => {
  if (typeof value !== 'string') {
    return fail(`must be the name of a key, like "usage:{user}:{YYYY-MM}", not ${shown(value)}`);
  }
  const template = readKeyTemplate(value);
  return typeof template === 'string' ? fail(template) : value;
};

const readField: FieldReader<string> = (value, fail) =>
  typeof value === 'string' && value !== '' && value.length <= fieldLengthMax && !/\p{Cc}/u.test(value)
    ? value
    : fail(`must be the name of a field, of 1 to ${fieldLengthMax} characters, not ${shown(value)}`);

const readValue: FieldReader<string> = (value, fail) => {
  const [, number] = /^(\d{1,15}(?:\.\d{1,3})?) *- *remaining$/.exec(String(value)) ?? [];
  if (number !== undefined) {
    return `${number} - remaining`;
  }
  return readChoice(
    'used',
    'remaining',
    'limit',
  )(value, () =>
    fail(
      `must be used, remaining, limit, or a number less what remains, like "100 - remaining", not ${shown(value)}`,
    ),
  );
};

export const cacheFieldNames = ['key', 'field', 'value', 'on_change'];

/** What stands in fields that may have others beside these: they are left. */
export function takeCacheTemplate(fields: EntryFields): CacheTemplate | undefined {
  const keyPath = fields.place('key');
  const key = fields.take('key', readKey, null);
  if (key === null) {
    fields.fail(keyPath, 'needs a "key", like "usage:{user}:{YYYY-MM}"');
  }
  const field = fields.take('field', readField, null);
  const value = fields.take('value', readValue, 'used');
  const onChange = fields.take('on_change', readChoice('write', 'delete'), 'write');
  return typeof key === 'string' && field !== undefined && value !== undefined && onChange !== undefined
    ? { key, field, value, onChange }
    : undefined;
}

/** What stands under `redis` in a meter. */
export function readCacheTemplate(
  value: unknown,
  path: Path,
  problems: PlanProblem[],
): CacheTemplate | undefined {
  if (!isRecord(value)) {
    problems.push({ path, message: 'must be a key in Redis: "key" and, of a hash, "field"' });
    return undefined;
  }
  const fields = new EntryFields(value, path, problems, {});
  const template = takeCacheTemplate(fields);
  fields.refuseRest(cacheFieldNames);
  return template;
}

/** As a file has it; what is left out means the same as what would stand there. */
export const cacheTemplateFields = ({ key, field, value, onChange }: CacheTemplate) => ({
  key,
  ...(field !== null && { field }),
  ...(value !== 'used' && { value }),
  ...(onChange !== 'write' && { on_change: onChange }),
});

/** What no template shows by itself: each of `placed` is held against those before it and against `others`. */
export function checkCacheTemplates(
  placed: readonly PlacedTemplate[],
  others: readonly Omit<PlacedTemplate, 'path'>[],
  problems: PlanProblem[],
): void {
  for (const [index, { path, meter, template }] of placed.entries()) {
    const fail = (message: string) => problems.push({ path, message });
    const key = keyOf(meter, template);
    for (const other of [...others, ...placed.slice(0, index)].filter(
      (one) => keyOf(one.meter, one.template) === key,
    )) {
      const [own, its] = [template.field, other.template.field];
      if (own === its) {
        fail(
          `${own === null ? `the key ${key}` : `the field ${own} of ${key}`} is that of ${other.meter} already`,
        );
      } else if (own === null || its === null) {
        fail(`${key} is a hash for one of ${other.meter} and ${meter}, and a plain string for the other`);
      } else if (template.onChange !== other.template.onChange) {
        fail(`${key} is written for one of ${other.meter} and ${meter}, and deleted for the other`);
      }
    }
  }
}

const keyOf = (meter: string, { key }: CacheTemplate) => key.replaceAll('{meter}', meter);
