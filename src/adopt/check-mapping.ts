import type pg from 'pg';
import type { Path, PlanProblem } from '../allowances/files/plan-document.ts';
import { isServerError } from '../db/database-error.ts';
import { nearestName } from '../files/nearest-name.ts';
import { fieldExpression, literal, quoted, rawExpression } from './expression.ts';
import { checkRedis } from './follow-in-redis.ts';
import { fieldTypes, type MappedValue, type Mapping, type Mirror, type Source } from './mapping.ts';
import { fieldsOf, type PlacedSource } from './source-functions-store.ts';
import {
  type AppTable,
  figuresRelation,
  selectRivals,
  selectTable,
  selectUnknown,
  tryExpression,
  tryRows,
} from './table-store.ts';

export interface CheckedMapping {
  sources: PlacedSource[];
  figures: PlacedFigure[];
  mirrors: PlacedMirror[];
  problems: PlanProblem[];
}

/** A counter of the app as SQL over the row `r`. */
export interface PlacedFigure {
  meter: string;
  relation: string;
  where: string | null;
  user: string;
  used: string;
  at: string | null;
  isOpening: boolean;
  exhaustedAt: string | null;
}

/** A table of the app whose columns follow ours, as SQL over its row `r` and our figures `q`. */
export interface PlacedMirror {
  meter: string;
  relation: string;
  user: string;
  /** Where that is a column as it is. */
  userColumn: { name: string; type: string } | null;
  at: string;
  set: { column: string; expression: string }[];
}

/** Holds a mapping against the database. To be called in a transaction that is rolled back. */
export async function checkMapping(client: pg.ClientBase, mapping: Mapping): Promise<CheckedMapping> {
  const problems: PlanProblem[] = [];
  const sources: PlacedSource[] = [];
  const figures: PlacedFigure[] = [];
  const mirrors: PlacedMirror[] = [];
  for (const source of mapping.sources) {
    const table = await findTable(client, source, problems);
    if (table !== null) {
      checkTable(source, table, problems);
      const types = await tryFields(client, source, table, mapping, problems);
      sources.push({ source, table, types });
    }
  }
  for (const figure of mapping.figures) {
    const table = await findTable(client, figure, problems);
    if (table !== null) {
      const tried = (value: MappedValue, type: string) =>
        tryValue(client, table, value, type, value.timezone ?? mapping.timezone, problems);
      const user = await tried(figure.user, 'text');
      const used = await tried(figure.used, 'numeric');
      const at = figure.at && (await tried(figure.at, 'timestamptz'));
      const exhaustedAt = figure.exhaustedAt && (await tried(figure.exhaustedAt, 'timestamptz'));
      await tryCondition(client, table, [...figure.path, 'where'], figure.where, problems);
      const { meter, where = null } = figure;
      figures.push({
        meter,
        relation: table.relation,
        where,
        user: user?.expression ?? '',
        used: used?.expression ?? '',
        at: at?.expression ?? null,
        isOpening: figure.isOpening,
        exhaustedAt: exhaustedAt?.expression ?? null,
      });
    }
  }
  for (const mirror of mapping.mirrors) {
    const table = await findTable(client, mirror, problems);
    if (table !== null) {
      mirrors.push(...(await placeMirror(client, mirror, table, mapping.timezone, problems)));
    }
  }
  await checkNames(client, mapping, problems);
  await checkRedis(client, mapping, problems);
  const rivals = await selectRivals(
    client,
    mapping.product,
    sources.filter(({ source }) => source.kind === 'calls').map(({ table }) => table.relation),
  );
  for (const { source } of sources.filter(({ table }) =>
    rivals.some(({ relation }) => relation === table.relation),
  )) {
    problems.push({ path: source.path, message: 'another product that is attached counts its rows already' });
  }
  return { sources, figures, mirrors, problems };
}

async function findTable(
  client: pg.ClientBase,
  { path, schema, table }: { path: Path; schema: string; table: string },
  problems: PlanProblem[],
): Promise<AppTable | null> {
  const found = await selectTable(client, schema, table);
  if (found === null) {
    problems.push({
      path: [...path, 'table'],
      message: `there is no table "${table}" in the schema "${schema}"`,
    });
  } else if (!found.mayRead) {
    problems.push({ path: [...path, 'table'], message: `this login may not read ${found.relation}` });
    return null;
  }
  return found;
}

function checkTable(source: Source, table: AppTable, problems: PlanProblem[]): void {
  const at = (name: string) => [...source.path, name];
  if (!['r', 'p'].includes(table.kind)) {
    problems.push({ path: at('table'), message: `${table.relation} is no table: triggers need one` });
  } else if (!table.mayTrigger) {
    problems.push({
      path: at('table'),
      message: `this login may not put triggers on it: grant select, trigger on ${table.relation} to …`,
    });
  }
  const missing = source.key.filter((column) => table.columns[column] === undefined);
  for (const column of missing) {
    problems.push({ path: at('key'), message: unknownColumn(table, column) });
  }
  const isKey = table.uniqueKeys.some((columns) => columns.every((column) => source.key.includes(column)));
  if (missing.length === 0 && !isKey) {
    problems.push({
      path: at('key'),
      message: `${source.key.join(', ')} does not tell rows apart: there is no primary key or unique index without nulls on it`,
    });
  }
}

function unknownColumn(table: AppTable, column: string): string {
  const nearest = nearestName(column, Object.keys(table.columns));
  const meant = nearest === undefined ? '' : `; did you mean "${nearest}"?`;
  return `there is no column "${column}" in ${table.relation}${meant}`;
}

/** What the server says of an expression. @throws whatever is no answer of the server */
function databaseMessage(error: unknown): string {
  if (!isServerError(error)) {
    throw error;
  }
  return error.message;
}

/** A table whose columns follow, as SQL over the row `r` and our figures `q`. */
async function placeMirror(
  client: pg.ClientBase,
  mirror: Mirror,
  table: AppTable,
  timezone: string,
  problems: PlanProblem[],
): Promise<PlacedMirror[]> {
  const before = problems.length;
  const { meter, path, user, at, columns } = mirror;
  if (table.kind !== 'r' && table.kind !== 'p') {
    problems.push({
      path: [...path, 'table'],
      message: `${table.relation} is no table: its columns cannot follow`,
    });
  } else if (!table.mayTrigger || !table.mayUpdate) {
    problems.push({
      path: [...path, 'table'],
      message: `this login may not write to it: grant select, update, trigger on ${table.relation} to …`,
    });
  }
  const named = await tryValue(client, table, user, 'text', timezone, problems);
  const instant = at && (await tryValue(client, table, at, 'timestamptz', timezone, problems));
  const set: { column: string; expression: string }[] = [];
  for (const [column, { path: place, sql }] of Object.entries(columns)) {
    const type = table.columns[column];
    if (type === undefined) {
      problems.push({ path: place, message: unknownColumn(table, column) });
    } else if (table.primaryKey.includes(column)) {
      problems.push({
        path: place,
        message: `${column} is of the primary key: it tells rows apart, and cannot follow`,
      });
    } else {
      const expression =
        type.startsWith('timestamp') && type.includes('without')
          ? `((${sql}\n)::timestamptz at time zone ${literal(timezone)})`
          : `(${sql}\n)::${type}`;
      await tryMirrored(client, expression, place, problems);
      set.push({ column, expression });
    }
  }
  return problems.length > before
    ? []
    : [
        {
          meter,
          relation: table.relation,
          user: named?.expression ?? '',
          userColumn:
            user.column !== undefined && user.values === undefined
              ? { name: user.column, type: table.columns[user.column] ?? 'text' }
              : null,
          at: instant?.expression ?? 'null::timestamptz',
          set,
        },
      ];
}

async function tryMirrored(
  client: pg.ClientBase,
  expression: string,
  path: Path,
  problems: PlanProblem[],
): Promise<void> {
  try {
    const { volatile } = await tryExpression(client, figuresRelation, expression, 'q');
    if (volatile.length > 0) {
      problems.push({
        path,
        message: `${volatile.join(', ')} has a side effect, or answers otherwise each time`,
      });
    }
  } catch (error) {
    problems.push({ path, message: databaseMessage(error) });
  }
}

/** The type of each field by itself. */
async function tryFields(
  client: pg.ClientBase,
  source: Source,
  table: AppTable,
  mapping: Mapping,
  problems: PlanProblem[],
): Promise<Record<string, string>> {
  const types: Record<string, string> = {};
  for (const [name, value] of Object.entries(source.fields)) {
    const type = fieldTypes[source.kind][name] ?? 'text';
    const tried = await tryValue(client, table, value, type, mapping.timezone, problems);
    types[name] = tried?.given ?? 'text';
  }
  await tryCondition(client, table, [...source.path, 'where'], source.where, problems);
  return types;
}

async function tryValue(
  client: pg.ClientBase,
  table: AppTable,
  value: MappedValue,
  type: string,
  timezone: string,
  problems: PlanProblem[],
): Promise<{ given: string; expression: string } | undefined> {
  const fail = (message: string) => {
    problems.push({ path: value.path, message });
    return undefined;
  };
  if (value.column !== undefined && table.columns[value.column] === undefined) {
    return fail(unknownColumn(table, value.column));
  }
  try {
    const {
      type: given,
      volatile,
      returnsSet,
    } = await tryExpression(client, table.relation, rawExpression(value));
    if (volatile.length > 0) {
      return fail(`${volatile.join(', ')} has a side effect, or answers otherwise each time`);
    }
    if (returnsSet) {
      return fail('answers with several rows');
    }
    const expression = fieldExpression(value, given, type, timezone);
    await tryExpression(client, table.relation, expression);
    return { given, expression };
  } catch (error) {
    return fail(databaseMessage(error));
  }
}

async function tryCondition(
  client: pg.ClientBase,
  table: AppTable,
  path: Path,
  where: string | undefined,
  problems: PlanProblem[],
): Promise<void> {
  if (where !== undefined) {
    await tryValue(client, table, { path, sql: where }, 'boolean', 'UTC', problems);
  }
}

async function checkNames(client: pg.ClientBase, mapping: Mapping, problems: PlanProblem[]): Promise<void> {
  const values = mapping.sources.flatMap(({ fields }) => Object.entries(fields));
  const plans = values
    .filter(([name]) => name === 'plan')
    .flatMap(([, value]) => [
      ...Object.values(value.values ?? {}).map((plan) => ({ plan, path: value.path })),
      ...(value.values === undefined && typeof value.constant === 'string'
        ? [{ plan: value.constant, path: value.path }]
        : []),
    ]);
  const zones = [
    { zone: mapping.timezone, path: ['timezone'] as Path },
    ...values.flatMap(([, { timezone, path }]) => (timezone === undefined ? [] : [{ zone: timezone, path }])),
  ];
  const services = mapping.sources.flatMap(({ fields: { service } }) =>
    service === undefined ? [] : [service],
  );
  const unknown = await selectUnknown(client, {
    zones: zones.map(({ zone }) => zone),
    plans: plans.map(({ plan }) => plan),
    meters: [...mapping.figures, ...mapping.mirrors, ...(mapping.redis ?? [])].map(({ meter }) => meter),
    services: mapping.services,
  });
  for (const { zone, path } of zones.filter((one) => unknown.zones.includes(one.zone))) {
    problems.push({ path, message: `the server knows no time zone "${zone}"` });
  }
  for (const { plan, path } of plans.filter((one) => unknown.plans.includes(one.plan))) {
    problems.push({ path, message: `there is no plan "${plan}"; quota plan list names them` });
  }
  for (const { meter, path } of [...mapping.figures, ...mapping.mirrors, ...(mapping.redis ?? [])].filter(
    (one) => unknown.meters.includes(one.meter),
  )) {
    problems.push({
      path: [...path, 'meter'],
      message: `there is no meter "${meter}"; quota meter list names them`,
    });
  }
  for (const { constant, path } of services.filter((one) => unknown.services.includes(one.constant ?? ''))) {
    problems.push({ path, message: `there is no service "${constant}"; quota meter list names them` });
  }
}

/** Runs every field over some rows, in a transaction that writes nothing; what it comes upon, by place. */
export async function tryOnRows(
  client: pg.ClientBase,
  { sources }: CheckedMapping,
  timezone: string,
): Promise<PlanProblem[]> {
  const problems: PlanProblem[] = [];
  for (const placed of sources) {
    const expressions = fieldsOf(placed, timezone);
    for (const [name, { path }] of Object.entries(placed.source.fields)) {
      try {
        await tryRows(client, placed.table.relation, expressions[name] ?? quoted(name));
      } catch (error) {
        problems.push({ path, message: databaseMessage(error) });
      }
    }
  }
  return problems;
}
