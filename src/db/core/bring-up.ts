import type pg from 'pg';
import { hasSqlstate } from '../database-error.ts';
import { readCatalogue } from './catalogue-store.ts';
import { digestOf, readRecordedObjects } from './core-record-store.ts';
import { type CoreUnit, coreKinds } from './core-set.ts';
import { dropWithDependents } from './dependents-store.ts';

/** The core of a database while it is brought to that of this version. Things go by `kind identity`. */
export interface Site {
  client: pg.ClientBase;
  /** What is there, and what the catalogue says of it. */
  present: Map<string, string>;
  /** What was installed last, from which statements, and what the catalogue said of it then. */
  recorded: Map<string, { source: string | null; digest: string }>;
  /** What may be dropped: what was installed; all of a database that was made before there was a record. */
  own: Set<string>;
  installed: Set<string>;
  dropped: Set<string>;
}

/** invalid_function_definition, invalid_table_definition: what "create or replace" answers to another signature. */
const cannotReplace = ['42P13', '42P16'];
const roundsMax = 5;

const isCoreKey = (key: string) => coreKinds.some((kind) => key.startsWith(`${kind} `));

export async function openSite(client: pg.ClientBase): Promise<Site> {
  // Functions name each other, whatever comes first.
  await client.query('set local check_function_bodies = off');
  const objects = await readCatalogue(client);
  const recorded = await readRecordedObjects(client);
  const present = new Map(objects.map((object) => [`${object.kind} ${object.identity}`, digestOf(object)]));
  const recordedKeys = recorded?.map(({ kind, identity }) => `${kind} ${identity}`);
  return {
    client,
    present,
    recorded: new Map(recorded?.map((object) => [`${object.kind} ${object.identity}`, object])),
    own: new Set((recordedKeys ?? [...present.keys()]).filter((key) => isCoreKey(key) && present.has(key))),
    installed: new Set(),
    dropped: new Set(),
  };
}

/** Installs units that are missing or differ, kind by kind, until none is left: replacing one may drop others. */
export async function bringUp(site: Site, units: readonly CoreUnit[]): Promise<void> {
  for (let round = 0; round < roundsMax; round += 1) {
    let isDone = true;
    for (const kind of coreKinds) {
      const stale = await staleUnits(
        site,
        units.filter((unit) => unit.kind === kind),
      );
      isDone &&= stale.length === 0;
      await install(site, stale);
    }
    if (isDone) {
      return;
    }
  }
  throw new Error(`the core of quota was not complete after ${roundsMax} rounds`);
}

export async function drop(site: Site, key: string): Promise<void> {
  if (!site.own.has(key)) {
    return;
  }
  const [, kind = '', identity = ''] = /^(\w+) (.*)$/.exec(key) ?? [];
  const gone = await dropWithDependents(site.client, { kind, identity }, (object) =>
    site.own.has(`${object.kind} ${object.identity}`),
  );
  for (const object of gone) {
    const goneKey = `${object.kind} ${object.identity}`;
    for (const keys of [site.present, site.own, site.installed]) {
      keys.delete(goneKey);
    }
    site.dropped.add(goneKey);
  }
}

interface ResolvedUnit {
  unit: CoreUnit;
  identity: string | null;
}

/** As the catalogue names them; null: a function that is not there. */
export async function resolveIdentities(
  client: pg.ClientBase,
  units: readonly CoreUnit[],
): Promise<ResolvedUnit[]> {
  const { rows } = await client.query<{ identity: string | null }>(
    `select case when n.kind = 'function' then to_regprocedure(n.name)::text else n.name end as identity
     from unnest($1::text[], $2::text[]) with ordinality n(kind, name, place) order by n.place`,
    [units.map(({ kind }) => kind), units.map(({ name }) => name)],
  );
  return units.map((unit, place) => ({ unit, identity: rows[place]?.identity ?? null }));
}

async function staleUnits(site: Site, units: readonly CoreUnit[]): Promise<ResolvedUnit[]> {
  const resolved = await resolveIdentities(site.client, units);
  return resolved.filter(({ unit, identity }) => {
    const key = `${unit.kind} ${identity}`;
    const recorded = site.recorded.get(key);
    const isAsInstalled = recorded?.source === unit.sha256 && site.present.get(key) === recorded.digest;
    return !site.installed.has(key) && !isAsInstalled;
  });
}

async function install(site: Site, stale: readonly ResolvedUnit[]): Promise<void> {
  // A thing of this name that somebody else made is replaced, too: there is no other place for ours.
  const isThere = ({ unit, identity }: ResolvedUnit) => site.present.has(`${unit.kind} ${identity}`);
  const missing = stale.filter((resolved) => !isThere(resolved));
  for (const { unit, identity } of stale.filter(isThere)) {
    await replace(site, unit, identity ?? '');
  }
  await createAll(
    site.client,
    missing.map(({ unit }) => unit),
  );
  const units = stale.map(({ unit }) => unit);
  for (const { unit, identity } of await resolveIdentities(site.client, units)) {
    if (identity === null) {
      throw new Error(`sql/${unit.path} does not make ${unit.name}`);
    }
    const key = `${unit.kind} ${identity}`;
    site.installed.add(key);
    site.own.add(key);
    site.present.set(key, '');
  }
}

/** In one round trip; one by one only to find out which of them the server refuses. */
async function createAll(client: pg.ClientBase, units: readonly CoreUnit[]): Promise<void> {
  await client.query('savepoint units');
  try {
    await client.query(units.map(statementsOf).join(''));
  } catch {
    await client.query('rollback to savepoint units');
    for (const unit of units) {
      await create(client, unit);
    }
  }
}

async function create(client: pg.ClientBase, unit: CoreUnit): Promise<void> {
  try {
    await client.query(statementsOf(unit));
  } catch (error) {
    (error as Error).message = `sql/${unit.path}: ${(error as Error).message}`;
    throw error;
  }
}

const statementsOf = ({ kind, name, create: make, comments }: CoreUnit): string => {
  const table = kind === 'policy' ? name.replace(/^\w+ on /, '') : undefined;
  const enable = table === undefined ? [] : [`alter table ${table} enable row level security`];
  return [make, ...comments, ...enable].map((statement) => `${statement};\n`).join('');
};

/** Under its identity where the server can do that, with the rights that it has; else it is dropped and made. */
async function replace(site: Site, unit: CoreUnit, identity: string): Promise<void> {
  const { client } = site;
  const key = `${unit.kind} ${identity}`;
  if (unit.kind === 'type' && (await isSameType(client, unit))) {
    await client.query([`comment on type ${identity} is null`, ...unit.comments].join(';\n'));
    return;
  }
  if (unit.kind === 'type' || unit.kind === 'policy') {
    site.own.add(key);
    await drop(site, key);
    await create(client, unit);
    return;
  }
  await client.query('savepoint unit');
  try {
    await create(client, { ...unit, create: `comment on ${unit.kind} ${identity} is null;\n${unit.create}` });
  } catch (error) {
    if (!cannotReplace.some((code) => hasSqlstate(error, code))) {
      throw error;
    }
    await client.query('rollback to savepoint unit');
    site.own.add(key);
    await drop(site, key);
    await create(client, unit);
  }
}

/** Whether a type has the attributes that its statement gives it: a copy of it is made for the comparison. */
async function isSameType(client: pg.ClientBase, { name, create: make }: CoreUnit): Promise<boolean> {
  const copy = name.replace(/^quota\./, 'pg_temp.');
  await client.query(make.replace(`create type ${name}`, `create type ${copy}`));
  const { rows } = await client.query<{ same: boolean }>(
    `select count(distinct attributes) = 1 as same from (
       select string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ',' order by a.attnum) as attributes
       from pg_attribute a join pg_type t on t.typrelid = a.attrelid
       where t.oid in (to_regtype($1), to_regtype($2)) and a.attnum > 0 and not a.attisdropped
       group by t.oid) types`,
    [name, copy],
  );
  await client.query(`drop type ${copy}`);
  return rows[0]?.same === true;
}
