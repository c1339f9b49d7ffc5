import { entriesOf } from '../allowances/files/entry-fields.ts';
import type { Path, PlanProblem } from '../allowances/files/plan-document.ts';
import { readFlag, readKey } from '../allowances/files/plan-fields.ts';
import type { Figure, Mirror } from './mapping.ts';
import { openTablePart, readSql, requireGiven, takeGiven, takeValue } from './mapping-fields.ts';

const figureNames = ['meter', 'table', 'where', 'user', 'used', 'at', 'opening', 'exhausted_at'];

/** A counter of the app that is held against ours. */
export function readFigure(
  path: Path,
  value: unknown,
  schemaDefault: string,
  problems: PlanProblem[],
): Figure[] {
  const expected = 'a counter of the app: "meter", "table", "user" and "used"';
  const part = openTablePart(path, value, schemaDefault, problems, expected);
  if (part === undefined) {
    return [];
  }
  const { fields, place } = part;
  requireGiven(fields, ['meter', 'user', 'used']);
  const meter = fields.take('meter', readKey, undefined);
  const where = fields.take('where', readSql, undefined);
  const isOpening = fields.take('opening', readFlag, false) ?? false;
  const user = takeValue(fields, 'user', problems);
  const used = takeValue(fields, 'used', problems);
  const at = takeValue(fields, 'at', problems);
  const exhaustedAt = takeValue(fields, 'exhausted_at', problems);
  fields.refuseRest(figureNames);
  return meter === undefined || user === undefined || used === undefined
    ? []
    : [
        {
          path,
          meter,
          ...place,
          ...(where !== undefined && { where }),
          user,
          used,
          isOpening,
          ...(at && { at }),
          ...(exhaustedAt && { exhaustedAt }),
        },
      ];
}

const mirrorNames = ['meter', 'table', 'user', 'at', 'columns'];

/** A table of the app whose columns follow ours. */
export function readMirror(
  path: Path,
  value: unknown,
  schemaDefault: string,
  problems: PlanProblem[],
): Mirror[] {
  const expected = 'a table whose columns follow: "meter", "table", "user" and "columns"';
  const part = openTablePart(path, value, schemaDefault, problems, expected);
  if (part === undefined) {
    return [];
  }
  const { fields, place } = part;
  requireGiven(fields, ['meter', 'user']);
  const meter = fields.take('meter', readKey, undefined);
  const user = takeValue(fields, 'user', problems);
  const at = takeValue(fields, 'at', problems);
  const { path: columnsPath, given } = takeGiven(fields, 'columns');
  const entries = entriesOf(given, columnsPath, 'columns', problems);
  const columns = entries.flatMap(({ path: at, key = '', value: sql }) => {
    const read = readSql(sql, (message) => void problems.push({ path: at, message }));
    return read === undefined ? [] : [[key, { path: at, sql: read }] as const];
  });
  fields.refuseRest(mirrorNames);
  return meter === undefined || user === undefined
    ? []
    : [{ path, meter, ...place, user, ...(at && { at }), columns: Object.fromEntries(columns) }];
}
