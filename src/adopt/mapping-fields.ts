import { EntryFields, entriesOf, isRecord } from '../allowances/files/entry-fields.ts';
import type { Path, PlanProblem } from '../allowances/files/plan-document.ts';
import type { FieldReader } from '../allowances/files/plan-fields.ts';
import type { MappedValue } from './mapped-value.ts';
import type { Follow } from './mapping.ts';

const identifierLengthMax = 63;
const sqlLengthMax = 4_000;
const columnsMax = 8;
const valuesMax = 500;
const minutesMax = 1_440;

const isIdentifier = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && !value.includes('\u0000');

/** A name as the catalogue has it, without quotes; `schema.table` for a table elsewhere. */
export const readIdentifier: FieldReader<string> = (value, fail) =>
  isIdentifier(value) && value.split('.').every(({ length }) => length > 0 && length <= identifierLengthMax)
    ? value
    : fail(`must be a name of the database, not ${JSON.stringify(value)?.slice(0, 60)}`);

/** One column, or several together. */
export const readColumns: FieldReader<string[]> = (value, fail) => {
  const columns = Array.isArray(value) ? value : [value];
  return columns.length > 0 &&
    columns.length <= columnsMax &&
    columns.every(isIdentifier) &&
    new Set(columns).size === columns.length
    ? (columns as string[])
    : fail(`must be a column, or a list of 1 to ${columnsMax} columns, each once`);
};

export const readSql: FieldReader<string> = (value, fail) =>
  typeof value === 'string' &&
  value.trim() !== '' &&
  value.length <= sqlLengthMax &&
  !value.includes('\u0000')
    ? value.trim()
    : fail(`must be SQL over the row r, like "r.deleted_at is null", of ${sqlLengthMax} characters at most`);

export const readZone: FieldReader<string> = (value, fail) =>
  typeof value === 'string' && /^[A-Za-z][A-Za-z0-9_+/-]{0,62}$/.test(value)
    ? value
    : fail('must be a time zone, like Europe/Berlin');

const readConstant: FieldReader<string> = (value, fail) =>
  ['string', 'boolean'].includes(typeof value) ? String(value) : fail('must be one value');

const readWords: FieldReader<Record<string, string>> = (value, fail) =>
  isRecord(value) &&
  Object.keys(value).length <= valuesMax &&
  Object.values(value).every((one) => typeof one === 'string' || typeof one === 'boolean')
    ? Object.fromEntries(Object.entries(value).map(([word, meaning]) => [word, String(meaning)]))
    : fail('must be the words of the app with what they mean here, like {failed: error, "*": completed}');

const names = ['column', 'sql', 'value', 'values', 'timezone'];

/** The name of a column, or what a value is made of: `{column, values}`, `{sql}`, `{value}`. */
const valueReader =
  (path: Path, problems: PlanProblem[]) =>
  (value: unknown): MappedValue | undefined => {
    if (isIdentifier(value)) {
      return { path, column: value };
    }
    if (!isRecord(value)) {
      problems.push({ path, message: 'must be a column, or {column: …}, {sql: …} or {value: …}' });
      return undefined;
    }
    const before = problems.length;
    const fields = new EntryFields(value, path, problems, {});
    const column = fields.take('column', readIdentifier, undefined);
    const sql = fields.take('sql', readSql, undefined);
    const constant = fields.take('value', readConstant, undefined);
    const values = fields.take('values', readWords, undefined);
    const timezone = fields.take('timezone', readZone, undefined);
    fields.refuseRest(names);
    const given = ['column', 'sql', 'value'].filter((name) => name in value);
    if (given.length !== 1) {
      fields.fail(path, 'needs one of "column", "sql" and "value"');
    }
    return problems.length > before
      ? undefined
      : {
          path,
          ...(column !== undefined && { column }),
          ...(sql !== undefined && { sql }),
          ...('value' in value && { constant: constant ?? null }),
          ...(values !== undefined && { values }),
          ...(timezone !== undefined && { timezone }),
        };
  };

/** One table, or several: a list. */
export function partsOf(fields: EntryFields, name: string): [Path, unknown][] {
  const path = fields.place(name);
  const value = fields.take(name, (given) => given, undefined);
  if (value === undefined) {
    return [];
  }
  return Array.isArray(value) ? value.map((one, index) => [[...path, index], one]) : [[path, value]];
}

/** The table that a part of a mapping is of. */
function tableOf(fields: EntryFields, schemaDefault: string): { schema: string; table: string } {
  const isNamed = fields.has('table');
  const named = fields.take('table', readIdentifier, undefined);
  if (!isNamed) {
    fields.fail(fields.path, 'needs a "table"');
  }
  const [first = '', second] = (named ?? '').split('.');
  return second === undefined ? { schema: schemaDefault, table: first } : { schema: first, table: second };
}

/** A part of a mapping that is of a table of the app. */
export interface TablePart {
  fields: EntryFields;
  place: { schema: string; table: string };
}

/**
 * Begins with a part of a mapping; undefined, with a problem, where it is none.
 * @param expected what it must be, in words
 */
export function openPart(
  path: Path,
  value: unknown,
  problems: PlanProblem[],
  expected: string,
  aliases: Readonly<Record<string, string>> = {},
): EntryFields | undefined {
  if (isRecord(value)) {
    return new EntryFields(value, path, problems, aliases);
  }
  problems.push({ path, message: `must be ${expected}` });
  return undefined;
}

/** The same of a part that is of a table. */
export function openTablePart(
  path: Path,
  value: unknown,
  schemaDefault: string,
  problems: PlanProblem[],
  expected: string,
  aliases: Readonly<Record<string, string>> = {},
): TablePart | undefined {
  const fields = openPart(path, value, problems, expected, aliases);
  return fields && { fields, place: tableOf(fields, schemaDefault) };
}

/** A value that is read as it stands, with its place. */
export function takeGiven(fields: EntryFields, name: string): { path: Path; given: unknown } {
  const path = fields.place(name);
  return { path, given: fields.take(name, (value) => value, undefined) };
}

/** A value of the row; undefined where it is left out. */
export function takeValue(
  fields: EntryFields,
  name: string,
  problems: PlanProblem[],
): MappedValue | undefined {
  const { path, given } = takeGiven(fields, name);
  return given === undefined ? undefined : valueReader(path, problems)(given);
}

/** What a part cannot be without; to be asked before it is taken. */
export function requireGiven(fields: EntryFields, names: readonly string[]): void {
  for (const name of names.filter((one) => !fields.has(one))) {
    fields.fail(fields.path, `needs "${name}"`);
  }
}

/** Where each field of a part comes from, by its name. */
export function readValues(
  types: Readonly<Record<string, string>>,
  needed: readonly string[],
  path: Path,
  columns: unknown,
  problems: PlanProblem[],
): Record<string, MappedValue> {
  const known = Object.keys(types);
  const read: Record<string, MappedValue> = {};
  for (const entry of entriesOf(columns, path, 'columns', problems)) {
    const name = entry.key ?? '';
    if (!known.includes(name)) {
      problems.push({ path: entry.path, message: `there is no such field; known are ${known.join(', ')}` });
      continue;
    }
    const value = valueReader(entry.path, problems)(entry.value);
    if (value !== undefined) {
      read[name] = value;
    }
  }
  for (const name of needed.filter((one) => read[one] === undefined)) {
    if (isRecord(columns) && !(name in columns)) {
      problems.push({ path, message: `needs "${name}"` });
    }
  }
  return read;
}

export const readMinutes: FieldReader<number> = (value, fail) =>
  Number.isInteger(value) && Number(value) >= 1 && Number(value) <= minutesMax
    ? Number(value)
    : fail(`must be minutes, from 1 to ${minutesMax}`);

/** A value of the row that grows with each change of it, or `all`. */
export function takeFollow(fields: EntryFields, problems: PlanProblem[]): Follow | undefined {
  const path = fields.place('follow');
  const given = fields.take('follow', (value) => value, undefined);
  if (given === undefined) {
    return undefined;
  }
  if (given === 'all') {
    return { path, isWhole: true };
  }
  const value = valueReader(path, problems)(given);
  if (value?.constant !== undefined || value?.values !== undefined) {
    problems.push({ path, message: 'must be a column that grows with each change, {sql: …}, or all' });
  }
  return value;
}
