import { EntryFields, entriesOf, isRecord } from '../allowances/files/entry-fields.ts';
import type { Path, PlanProblem } from '../allowances/files/plan-document.ts';
import { readFlag, readKey } from '../allowances/files/plan-fields.ts';
import type { Figure, Mirror } from './mapping.ts';
import { readSql, tableOf, valueReader } from './mapping-fields.ts';

const figureNames = ['meter', 'table', 'where', 'user', 'used', 'at', 'opening', 'exhausted_at'];

/** A counter of the app that is held against ours. */
export function readFigure(
  path: Path,
  value: unknown,
  schemaDefault: string,
  problems: PlanProblem[],
): Figure[] {
  if (!isRecord(value)) {
    problems.push({ path, message: 'must be a counter of the app: "meter", "table", "user" and "used"' });
    return [];
  }
  const fields = new EntryFields(value, path, problems, {});
  const place = tableOf(fields, schemaDefault);
  const meter = fields.take('meter', readKey, undefined);
  const where = fields.take('where', readSql, undefined);
  const isOpening = fields.take('opening', readFlag, false) ?? false;
  const [user, used, at, exhaustedAt] = (['user', 'used', 'at', 'exhausted_at'] as const).map((name) => {
    const found = fields.place(name);
    const given = fields.take(name, (taken) => taken, undefined);
    return given === undefined ? undefined : valueReader(found, problems)(given);
  });
  for (const name of ['meter', 'user', 'used'].filter((needed) => !(needed in value))) {
    problems.push({ path, message: `needs "${name}"` });
  }
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
  if (!isRecord(value)) {
    problems.push({
      path,
      message: 'must be a table whose columns follow: "meter", "table", "user" and "columns"',
    });
    return [];
  }
  const fields = new EntryFields(value, path, problems, {});
  const place = tableOf(fields, schemaDefault);
  const meter = fields.take('meter', readKey, undefined);
  const [user, at] = (['user', 'at'] as const).map((name) => {
    const found = fields.place(name);
    const given = fields.take(name, (taken) => taken, undefined);
    return given === undefined ? undefined : valueReader(found, problems)(given);
  });
  const columnsPath = fields.place('columns');
  const entries = entriesOf(
    fields.take('columns', (given) => given, undefined),
    columnsPath,
    'columns',
    problems,
  );
  const columns = entries.flatMap(({ path: at, key = '', value: sql }) => {
    const read = readSql(sql, (message) => void problems.push({ path: at, message }));
    return read === undefined ? [] : [[key, { path: at, sql: read }] as const];
  });
  for (const name of ['meter', 'user'].filter((needed) => !(needed in value))) {
    problems.push({ path, message: `needs "${name}"` });
  }
  fields.refuseRest(mirrorNames);
  return meter === undefined || user === undefined
    ? []
    : [{ path, meter, ...place, user, ...(at && { at }), columns: Object.fromEntries(columns) }];
}
