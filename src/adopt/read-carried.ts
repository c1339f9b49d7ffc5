import type { Path, PlanProblem } from '../allowances/files/plan-document.ts';
import { readKey } from '../allowances/files/plan-fields.ts';
import { type Carried, type CarriedKind, carriedFields } from './carried.ts';
import { openTablePart, readSql, readValues, requireGiven, takeGiven } from './mapping-fields.ts';

/** A table of the app whose rows are state that is taken over. */
export function readCarried(
  kind: CarriedKind,
  path: Path,
  value: unknown,
  schemaDefault: string,
  problems: PlanProblem[],
): Carried[] {
  const expected = 'a table of the app: "table" and "columns"';
  const part = openTablePart(path, value, schemaDefault, problems, expected);
  if (part === undefined) {
    return [];
  }
  const { fields, place } = part;
  const { of, types, needed } = carriedFields[kind];
  requireGiven(fields, of === null ? [] : [of]);
  const where = fields.take('where', readSql, undefined);
  const named = of === null ? '' : fields.take(of, readKey, undefined);
  const columns = takeGiven(fields, 'columns');
  fields.refuseRest(['table', 'where', ...(of === null ? [] : [of]), 'columns']);
  const read = readValues(types, needed, columns.path, columns.given, problems);
  return named === undefined
    ? []
    : [{ path, kind, ...place, ...(where !== undefined && { where }), of: named, fields: read }];
}
