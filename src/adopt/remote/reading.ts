import type { PlanProblem } from '../../allowances/files/plan-document.ts';
import { literal, quoted, rawExpression } from '../expression.ts';
import type { MappedValue } from '../mapped-value.ts';
import { fieldTypes, type Source } from '../mapping.ts';
import { countsExpression, fieldsOf, keyExpression, type PlacedSource } from '../row-expression.ts';
import type { AppTable } from '../table-store.ts';
import { tryValue, unknownColumn } from '../try-value.ts';
import type { AppDatabase } from './app-database.ts';
import type { FollowedValue, RemoteReading } from './remote-reading.ts';

/** Longer than the transactions of an app, and short enough to be read again each minute. */
const lookBackMinutesDefault = 10;

const isInstant = (type: string | undefined) => type?.startsWith('timestamp') === true;
const isNumber = (type: string | undefined) => /^(?:smallint|integer|bigint|numeric)/.test(type ?? '');

/** By what a source is followed, where nothing is said: `updated_at`, a number that is its key, or all of a small table. */
function followDefault({ source, table }: PlacedSource): MappedValue | 'all' | null {
  if (source.kind === 'jobs') {
    return 'all';
  }
  if (isInstant(table.columns.updated_at)) {
    return { path: source.path, column: 'updated_at' };
  }
  if (source.kind !== 'calls') {
    return 'all';
  }
  const [key = ''] = source.key;
  return source.key.length === 1 && isNumber(table.columns[key]) ? { path: source.path, column: key } : null;
}

/** How the rows of a source are read and followed; undefined, with a problem, where they cannot be. */
export async function placeReading(
  app: AppDatabase,
  placed: PlacedSource,
  timezone: string,
  problems: PlanProblem[],
): Promise<RemoteReading | undefined> {
  const { source, table } = placed;
  const given = source.follow ?? followDefault(placed);
  if (given === null) {
    problems.push({
      path: source.path,
      message: `needs "follow": a column of ${table.relation} that grows with each change, as updated_at`,
    });
    return undefined;
  }
  const value = given === 'all' || 'isWhole' in given ? null : given;
  if (value === null && source.kind === 'calls' && source.follow === undefined) {
    return undefined;
  }
  const follow = value && (await placeFollow(app, table, value, value.timezone ?? timezone, problems));
  return follow === undefined
    ? undefined
    : {
        relation: table.relation,
        columns: toldExpressions(placed, timezone),
        key: source.key.map((column) => ({
          expression: `r.${quoted(column)}`,
          type: table.columns[column] ?? 'text',
        })),
        follow,
        lookBackMinutes: source.lookBackMinutes ?? lookBackMinutesDefault,
      };
}

async function placeFollow(
  app: AppDatabase,
  table: AppTable,
  value: MappedValue,
  timezone: string,
  problems: PlanProblem[],
): Promise<FollowedValue | undefined> {
  if (value.column !== undefined && table.columns[value.column] === undefined) {
    problems.push({ path: value.path, message: unknownColumn(table, value.column) });
    return undefined;
  }
  const type = (await tryValue(app, table, value, 'text', timezone, problems))?.given;
  if (type === undefined) {
    return undefined;
  }
  if (!isInstant(type) && !isNumber(type)) {
    problems.push({ path: value.path, message: `is ${type}: only an instant or a number can grow` });
    return undefined;
  }
  return {
    expression: rawExpression(value),
    type,
    now: isInstant(type)
      ? type.includes('without')
        ? `(now() at time zone ${literal(timezone)})`
        : 'now()'
      : null,
    column: value.column ?? null,
  };
}

/** The columns in which a row is told, with their types: the fields that are mapped. */
export const toldColumns = ({ kind, fields }: Source): Record<string, string> => ({
  key: 'text',
  is_there: 'boolean',
  ...Object.fromEntries(Object.entries(fieldTypes[kind]).filter(([name]) => fields[name] !== undefined)),
});

function toldExpressions(placed: PlacedSource, timezone: string): Record<string, string> {
  const { source } = placed;
  const fields: Record<string, string> = {
    ...fieldsOf(placed, timezone),
    key: keyExpression(source),
    is_there: countsExpression(source),
  };
  return Object.fromEntries(Object.keys(toldColumns(source)).map((name) => [name, fields[name] ?? 'null']));
}

/** The table in which rows of another database are told, as a source: what reads a table of the app reads it, too. */
export function toldSource(id: number, { source }: Pick<PlacedSource, 'source'>): PlacedSource {
  const columns = toldColumns(source);
  const { service, ...others } = source.fields;
  const fields = Object.fromEntries(
    Object.entries(others).map(([name, { path }]) => [name, { path, column: name }]),
  );
  return {
    source: {
      ...source,
      key: ['key'],
      where: 'r.is_there',
      fields: { ...(service !== undefined && { service }), ...fields },
    },
    table: {
      oid: '0',
      relation: `quota_adopt.told_${id}`,
      kind: 'r',
      columns,
      naive: [],
      generated: [],
      primaryKey: [],
      uniqueKeys: [['key']],
      mayRead: true,
      mayTrigger: false,
      mayUpdate: false,
      hidesRows: false,
      rowsEstimate: 0,
    },
    types: columns,
  };
}
