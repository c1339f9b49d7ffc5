import type pg from 'pg';
import type { Path, PlanProblem } from '../allowances/files/plan-document.ts';
import { withSnapshot } from '../db/transaction.ts';
import { carriedFields } from './carried.ts';
import { checkMirroredTwice, checkOverlaps } from './check-conflicts.ts';
import { quoted } from './expression.ts';
import { checkRedis } from './follow-in-redis.ts';
import type { MappedValue } from './mapped-value.ts';
import { type Figure, fieldTypes, type Mapping, type Source } from './mapping.ts';
import { type PlacedCarried, placeCarried } from './place-carried.ts';
import { type PlacedMirror, placeMirror } from './place-mirror.ts';
import { type AppDatabase, beside } from './remote/app-database.ts';
import { placeReading } from './remote/reading.ts';
import { fieldsOf, type PlacedSource } from './row-expression.ts';
import { type AppTable, selectForeignMeters, selectRivals, selectUnknown, tryRows } from './table-store.ts';
import { databaseMessage, findTable, tryCondition, tryValue, unknownColumn } from './try-value.ts';

export interface CheckedMapping {
  sources: PlacedSource[];
  figures: PlacedFigure[];
  carried: PlacedCarried[];
  mirrors: PlacedMirror[];
  problems: PlanProblem[];
  /** What is read of rows, to be tried on some of them. */
  trials: Trial[];
}

/** An expression over the row `r` of a table, as far as its rows count. */
interface Trial {
  path: Path;
  relation: string;
  expression: string;
  where: string | null;
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

/** Holds a mapping against the database. To be called in a transaction that is rolled back. */
export const checkMapping = (
  client: pg.ClientBase,
  mapping: Mapping,
  app: AppDatabase = beside(client),
): Promise<CheckedMapping> =>
  app.remote === null
    ? check(client, mapping, app)
    : withSnapshot(app.client, () => check(client, mapping, app));

async function check(client: pg.ClientBase, mapping: Mapping, app: AppDatabase): Promise<CheckedMapping> {
  const problems: PlanProblem[] = [];
  const sources: PlacedSource[] = [];
  const figures: PlacedFigure[] = [];
  const carried: PlacedCarried[] = [];
  const mirrors: PlacedMirror[] = [];
  const trials: Trial[] = [];
  for (const source of mapping.sources) {
    sources.push(...(await placeSource(app, source, mapping, problems, trials)));
  }
  for (const figure of mapping.figures) {
    figures.push(...(await placeFigure(app, figure, mapping.timezone, problems, trials)));
  }
  for (const one of mapping.carried) {
    const placed = await placeCarried(app, one, mapping.timezone, problems);
    if (placed !== null) {
      carried.push(placed);
      for (const [name, { path }] of Object.entries(one.fields)) {
        const expression = placed.fields[name] ?? null;
        if (expression !== null) {
          trials.push({ path, relation: placed.relation, expression, where: placed.where });
        }
      }
    }
  }
  for (const mirror of mapping.mirrors) {
    if (app.remote !== null) {
      problems.push({
        path: mirror.path,
        message:
          'columns of another database cannot follow: they would be written after the transaction that moves them; leave "mirror" out',
      });
      continue;
    }
    const table = await findTable(app, mirror, problems);
    if (table !== null) {
      mirrors.push(...(await placeMirror(client, mirror, table, mapping.timezone, problems)));
    }
  }
  await checkOverlaps(app, sources, problems);
  checkMirroredTwice(mapping, problems);
  await checkNames(client, mapping, problems);
  await checkRedis(client, mapping, problems);
  const rivals = await selectRivals(
    client,
    mapping,
    sources.filter(({ source }) => source.kind === 'calls').map(({ table }) => table.relation),
  );
  for (const { source } of sources.filter(({ table }) =>
    rivals.some(({ relation }) => relation === table.relation),
  )) {
    problems.push({ path: source.path, message: 'another product that is attached counts its rows already' });
  }
  return { sources, figures, carried, mirrors, problems, trials };
}

async function placeSource(
  app: AppDatabase,
  source: Source,
  mapping: Mapping,
  problems: PlanProblem[],
  trials: Trial[],
): Promise<PlacedSource[]> {
  const table = await findTable(app, source, problems);
  if (table === null) {
    return [];
  }
  checkTable(app, source, table, problems);
  const types = await tryFields(app, source, table, mapping, problems);
  const placed = { source, table, types };
  const { relation } = table;
  const expressions = fieldsOf(placed, mapping.timezone);
  for (const [name, { path }] of Object.entries(source.fields)) {
    trials.push({ path, relation, expression: expressions[name] ?? quoted(name), where: null });
  }
  if (source.where !== undefined) {
    trials.push({ path: [...source.path, 'where'], relation, expression: source.where, where: null });
  }
  const reading =
    app.remote === null ? undefined : await placeReading(app, placed, mapping.timezone, problems);
  return [{ ...placed, ...(reading && { reading }) }];
}

async function placeFigure(
  app: AppDatabase,
  figure: Figure,
  timezone: string,
  problems: PlanProblem[],
  trials: Trial[],
): Promise<PlacedFigure[]> {
  const table = await findTable(app, figure, problems);
  if (table === null) {
    return [];
  }
  const { relation } = table;
  const { meter, isOpening, where = null } = figure;
  const placed = async (value: MappedValue | undefined, type: string) => {
    const tried = value && (await tryValue(app, table, value, type, value.timezone ?? timezone, problems));
    if (value !== undefined && tried !== undefined) {
      trials.push({ path: value.path, relation, expression: tried.expression, where });
    }
    return tried?.expression;
  };
  const user = (await placed(figure.user, 'text')) ?? '';
  const used = (await placed(figure.used, 'numeric')) ?? '';
  const at = (await placed(figure.at, 'timestamptz')) ?? null;
  const exhaustedAt = (await placed(figure.exhaustedAt, 'timestamptz')) ?? null;
  await tryCondition(app, table, [...figure.path, 'where'], figure.where, problems);
  return [{ meter, relation, where, user, used, at, isOpening, exhaustedAt }];
}

function checkTable({ remote }: AppDatabase, source: Source, table: AppTable, problems: PlanProblem[]): void {
  const at = (name: string) => [...source.path, name];
  if (!['r', 'p'].includes(table.kind)) {
    problems.push({
      path: at('table'),
      message: `${table.relation} is no table: ${remote === null ? 'triggers need one' : 'its key cannot be told'}`,
    });
  } else if (!table.mayTrigger && remote === null) {
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

/** The type of each field by itself. */
async function tryFields(
  app: AppDatabase,
  source: Source,
  table: AppTable,
  mapping: Mapping,
  problems: PlanProblem[],
): Promise<Record<string, string>> {
  const types: Record<string, string> = {};
  for (const [name, value] of Object.entries(source.fields)) {
    const type = fieldTypes[source.kind][name] ?? 'text';
    const tried = await tryValue(app, table, value, type, mapping.timezone, problems);
    types[name] = tried?.given ?? 'text';
  }
  await tryCondition(app, table, [...source.path, 'where'], source.where, problems);
  return types;
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
  const services = [
    ...mapping.sources.flatMap(({ fields: { service } }) =>
      service === undefined ? [] : [{ service: service.constant ?? '', path: service.path }],
    ),
    ...mapping.carried
      .filter(({ kind }) => carriedFields[kind].of === 'service')
      .map(({ of, path }) => ({ service: of, path: [...path, 'service'] })),
  ];
  const meters = [
    ...[...mapping.figures, ...mapping.mirrors, ...(mapping.redis ?? [])].map(({ meter, path }) => ({
      meter,
      path,
    })),
    ...mapping.carried
      .filter(({ kind }) => carriedFields[kind].of === 'meter')
      .map(({ of, path }) => ({ meter: of, path })),
  ];
  const unknown = await selectUnknown(client, {
    zones: zones.map(({ zone }) => zone),
    plans: plans.map(({ plan }) => plan),
    meters: meters.map(({ meter }) => meter),
    services: services.map(({ service }) => service),
  });
  for (const { zone, path } of zones.filter((one) => unknown.zones.includes(one.zone))) {
    problems.push({ path, message: `the server knows no time zone "${zone}"` });
  }
  for (const { plan, path } of plans.filter((one) => unknown.plans.includes(one.plan))) {
    problems.push({ path, message: `there is no plan "${plan}"; quota plan list names them` });
  }
  for (const { meter, path } of meters.filter((one) => unknown.meters.includes(one.meter))) {
    problems.push({
      path: [...path, 'meter'],
      message: `there is no meter "${meter}"; quota meter list names them`,
    });
  }
  const foreign = await selectForeignMeters(
    client,
    mapping.figures.map(({ meter }) => meter),
    mapping.services,
  );
  for (const { meter, path } of mapping.figures) {
    const service = foreign.find((one) => one.meter === meter)?.service;
    if (service !== undefined) {
      problems.push({
        path: [...path, 'meter'],
        message: `is of the service "${service}", of which no calls are mapped: nothing of ours can agree with it`,
      });
    }
  }
  for (const { service, path } of services.filter((one) => unknown.services.includes(one.service))) {
    problems.push({ path, message: `there is no service "${service}"; quota meter list names them` });
  }
}

/** Runs all that is read of rows over some of them, in a transaction that writes nothing; what it comes upon, by place. */
export async function tryOnRows(client: pg.ClientBase, { trials }: CheckedMapping): Promise<PlanProblem[]> {
  const problems: PlanProblem[] = [];
  for (const { path, relation, expression, where } of trials) {
    try {
      await tryRows(
        client,
        relation,
        where === null ? expression : `case when (${where}\n) is true then ${expression} end`,
      );
    } catch (error) {
      problems.push({ path, message: databaseMessage(error) });
    }
  }
  return problems;
}
