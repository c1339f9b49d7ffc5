import { EntryFields, isRecord } from '../allowances/files/entry-fields.ts';
import type { Path, PlanProblem } from '../allowances/files/plan-document.ts';
import { readKey } from '../allowances/files/plan-fields.ts';
import { type Carried, type CarriedKind, carriedFields } from './carried.ts';
import { readSql, readValues, tableOf } from './mapping-fields.ts';

/** A table of the app whose rows are state that is taken over. */
export function readCarried(
  kind: CarriedKind,
  path: Path,
  value: unknown,
  schemaDefault: string,
  problems: PlanProblem[],
): Carried[] {
  if (!isRecord(value)) {
    problems.push({ path, message: 'must be a table of the app: "table" and "columns"' });
    return [];
  }
  const { of, types, needed } = carriedFields[kind];
  const fields = new EntryFields(value, path, problems, {});
  const place = tableOf(fields, schemaDefault);
  const where = fields.take('where', readSql, undefined);
  const named = of === null ? '' : fields.take(of, readKey, undefined);
  const columnsPath = fields.place('columns');
  const columns = fields.take('columns', (given) => given, undefined);
  fields.refuseRest(['table', 'where', ...(of === null ? [] : [of]), 'columns']);
  if (of !== null && !(of in value)) {
    problems.push({ path, message: `needs "${of}"` });
  }
  const read = readValues(types, needed, columnsPath, columns, problems);
  return named === undefined
    ? []
    : [{ path, kind, ...place, ...(where !== undefined && { where }), of: named, fields: read }];
}
