import { EntryFields, isRecord } from '../allowances/files/entry-fields.ts';
import type { Path, PlanProblem } from '../allowances/files/plan-document.ts';
import type { FieldReader } from '../allowances/files/plan-fields.ts';
import type { MappedValue } from './mapping.ts';

const identifierLengthMax = 63;
const sqlLengthMax = 4_000;
const columnsMax = 8;
const valuesMax = 500;

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
  return columns.length > 0 && columns.length <= columnsMax && columns.every(isIdentifier)
    ? (columns as string[])
    : fail(`must be a column, or a list of 1 to ${columnsMax} columns`);
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

const readValues: FieldReader<Record<string, string>> = (value, fail) =>
  isRecord(value) &&
  Object.keys(value).length <= valuesMax &&
  Object.values(value).every((one) => typeof one === 'string' || typeof one === 'boolean')
    ? Object.fromEntries(Object.entries(value).map(([word, meaning]) => [word, String(meaning)]))
    : fail('must be the words of the app with what they mean here, like {failed: error, "*": completed}');

const names = ['column', 'sql', 'value', 'values', 'timezone'];

/** The name of a column, or what a value is made of: `{column, values}`, `{sql}`, `{value}`. */
export const valueReader =
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
    const values = fields.take('values', readValues, undefined);
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
