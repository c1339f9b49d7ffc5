import type pg from 'pg';
import { withAdvisoryLock } from './advisory-lock.ts';
import { withTransaction } from './transaction.ts';

/** How `call_logs` stands, and what stands in the way of partitions. */
export interface CallTable {
  isPartitioned: boolean;
  /** As the server estimates it. */
  rows: string;
  bytes: string;
  /** The first month with a partition of its own, unless another one is asked for: `2027-01`. */
  border: string;
  /** Of the last call that there is; null: there is none. ISO 8601 UTC. */
  lastStartedAt: string | null;
  /** Views and keys of others, functions of others that take its rows, tables that inherit from it. */
  dependents: string[];
}

/** @param border the first month that is to have a partition of its own; null: the one after next, or after the last call */
export async function selectCallTable(client: pg.ClientBase, border: string | null): Promise<CallTable> {
  const { rows } = await client.query<
    Omit<CallTable, 'lastStartedAt' | 'dependents'> & { last: Date | null }
  >(
    `select c.relkind = 'p' as "isPartitioned", greatest(c.reltuples, 0)::bigint::text as rows,
       pg_total_relation_size(c.oid)::text as bytes, l.last,
       coalesce($1, to_char(date_trunc('month', quota.now() at time zone 'UTC') + interval '2 months', 'YYYY-MM')) as border
     from pg_class c cross join (select max(started_at) as last from quota.call_logs) l
     where c.oid = 'quota.call_logs'::regclass`,
    [border],
  );
  const [row] = rows;
  if (row === undefined) {
    throw new Error('quota.call_logs is no table');
  }
  const { last, ...table } = row;
  return {
    ...table,
    lastStartedAt: last?.toISOString() ?? null,
    dependents: await selectDependents(client),
  };
}

async function selectDependents(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ dependent: string }>(
    `select distinct 'view ' || r.ev_class::regclass::text as dependent
     from pg_depend d join pg_rewrite r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
     where d.refclassid = 'pg_class'::regclass and d.refobjid = 'quota.call_logs'::regclass
       and r.ev_class <> d.refobjid
     union
     select 'foreign key of ' || o.conrelid::regclass::text from pg_constraint o
     where o.contype = 'f' and o.confrelid = 'quota.call_logs'::regclass
     union
     select 'table ' || i.inhrelid::regclass::text || ', which inherits' from pg_inherits i
     where i.inhparent = 'quota.call_logs'::regclass
     union
     select 'function ' || p.oid::regprocedure::text from ${functionsOfRows}
     where p.pronamespace <> 'quota'::regnamespace
     union
     select 'trigger ' || t.tgname from pg_trigger t join pg_proc p on p.oid = t.tgfoid
     where t.tgrelid = 'quota.call_logs'::regclass and not t.tgisinternal and p.pronamespace <> 'quota'::regnamespace
     order by 1`,
  );
  return rows.map(({ dependent }) => dependent);
}

/** Functions that take or return rows of the table: its row type goes with it. */
const functionsOfRows = `pg_proc p
  join pg_class c on c.oid = 'quota.call_logs'::regclass
  join pg_type t on t.oid = c.reltype
  join (select distinct objid, refobjid from pg_depend
    where classid = 'pg_proc'::regclass and refclassid = 'pg_type'::regclass) u
    on u.objid = p.oid and u.refobjid in (t.oid, t.typarray)`;

const borderConstraint = 'call_logs_partition_border';
const keyIndex = 'call_logs_partition_key';

/** The instant at which a month begins, as SQL. */
const startOf = (month: string) => `'${month}-01 00:00:00+00'`;

/** Has every call that comes from now on begin before the border. Within a transaction. */
export async function holdBorder(client: pg.ClientBase, border: string): Promise<void> {
  await dropBorder(client);
  await client.query(
    `alter table quota.call_logs add constraint ${borderConstraint} check (started_at < ${startOf(border)}) not valid`,
  );
}

/**
 * Looks whether every call that is there begins before the border: what is attached as a partition need not be read for
 * that. Readers and writers go on meanwhile. check_violation: one does not.
 */
export async function validateBorder(client: pg.ClientBase): Promise<void> {
  await client.query(`alter table quota.call_logs validate constraint ${borderConstraint}`);
}

/** From then on calls of any month are taken, as ever. */
export async function dropBorder(client: pg.ClientBase): Promise<void> {
  await client.query(`alter table quota.call_logs drop constraint if exists ${borderConstraint}`);
}

/**
 * Holds the lock by which everybody sees that the calls are being divided.
 * @throws tryAgainError where somebody else does
 */
export const withPartitionLock = <T>(client: pg.ClientBase, use: () => Promise<T>): Promise<T> =>
  withAdvisoryLock(client, 'db partition', use, { mode: 'try' });

/**
 * Takes back what somebody who was to divide the calls and is gone has left: a border beyond which calls are refused, an
 * index and keys that each call pays for. Waits a second for a table that is in use.
 */
export async function takeBackPartition(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query('select from quota.left_by_partition()');
  if (rows.length === 0) {
    return;
  }
  await withPartitionLock(client, () =>
    withTransaction(client, async () => {
      await client.query(`set local lock_timeout = '1s'`);
      // Nobody who writes is between two looks for the keys.
      await client.query('lock table quota.call_logs in access exclusive mode');
      await dropBorder(client);
      await client.query(`drop index if exists quota.${keyIndex}`);
      await dropCallKeys(client);
    }),
  );
}

/** Made beside the tables of the migrations, it goes with them. */
export async function dropCallKeys(client: pg.ClientBase): Promise<void> {
  await client.query('drop table if exists quota.call_keys');
}

/** The primary key that the table has as a partition, made while it is written to. What was broken off is made anew. */
export async function indexKey(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ valid: boolean }>(
    `select i.indisvalid as valid from pg_index i where i.indexrelid = to_regclass('quota.${keyIndex}')`,
  );
  if (rows[0]?.valid === true) {
    return;
  }
  await client.query(`drop index if exists quota.${keyIndex}`);
  await client.query(`create unique index concurrently ${keyIndex} on quota.call_logs (id, started_at)`);
}

/** Makes the table of keys. @returns what tells it from another one of that name */
export async function makeCallKeys(client: pg.ClientBase): Promise<string> {
  await client.query(`
    create table if not exists quota.call_keys (
      provider text,
      key text not null,
      call_log_id bigint not null,
      constraint call_keys_key unique nulls not distinct (provider, key)
    );
    comment on table quota.call_keys is 'Where call_logs is partitioned: which call has a key, once over all months.';
    comment on column quota.call_keys.provider is 'Null: an import key.';
    alter table quota.call_keys enable row level security`);
  return selectCallKeys(client);
}

/** In a transaction: who was writing when the table of keys came has ended then, and the triggers of all others keep it. */
export async function waitForWriters(client: pg.ClientBase): Promise<void> {
  await client.query('lock table quota.call_logs in share mode');
}

async function selectCallKeys(client: pg.ClientBase): Promise<string> {
  const { rows } = await client.query<{ keys: string }>(
    `select coalesce(to_regclass('quota.call_keys')::oid::text, '') as keys`,
  );
  return rows[0]?.keys ?? '';
}

/** Writes down the keys of calls with numbers beyond `after`. @returns the last number of them; null: there were none */
export async function fillCallKeys(
  client: pg.ClientBase,
  after: string,
  size: number,
): Promise<string | null> {
  const { rows } = await client.query<{ last: string | null }>(
    `with calls as materialized (
       select l.id, l.provider, l.provider_call_id, l.import_key from quota.call_logs l
       where l.id > $1 order by l.id limit $2
     ), kept as (
       insert into quota.call_keys (provider, key, call_log_id)
       ${keysOf('calls')} on conflict do nothing
     )
     select max(id)::text as last from calls`,
    [after, size],
  );
  return rows[0]?.last ?? null;
}

const keysOf = (calls: string) => `
  select l.provider, l.provider_call_id, l.id from ${calls} l
  where l.provider is not null and l.provider_call_id is not null
  union all
  select null, l.import_key, l.id from ${calls} l where l.import_key is not null`;

/** Keys of calls that went while theirs were written down. */
export async function dropStrayKeys(client: pg.ClientBase): Promise<void> {
  await client.query(
    `delete from quota.call_keys k where not exists (
       select from quota.call_logs l where l.id = k.call_log_id
         and (k.provider = l.provider and k.key = l.provider_call_id or k.provider is null and k.key = l.import_key))`,
  );
}

const hasCallKeys = async (client: pg.ClientBase) => (await selectCallKeys(client)) !== '';

/** Writes down all keys anew, where there is a table of them: rows came in without the triggers. */
export async function refillCallKeys(client: pg.ClientBase): Promise<void> {
  if (await hasCallKeys(client)) {
    await client.query('truncate quota.call_keys');
    await client.query(
      `insert into quota.call_keys (provider, key, call_log_id) ${keysOf('quota.call_logs')}`,
    );
  }
}

const callsOfUser = '(select c.* from quota.call_logs c where c.user_id = $1)';

/** Writes down the keys of a user's calls, which came in without the triggers. A key of another call: unique_violation. */
export async function addCallKeysOf(client: pg.ClientBase, userId: string): Promise<void> {
  if (await hasCallKeys(client)) {
    await client.query(`insert into quota.call_keys (provider, key, call_log_id) ${keysOf(callsOfUser)}`, [
      userId,
    ]);
  }
}

/** Strikes out the keys of a user's calls, which are about to go without the triggers. */
export async function dropCallKeysOf(client: pg.ClientBase, userId: string): Promise<void> {
  if (await hasCallKeys(client)) {
    await client.query(
      `delete from quota.call_keys k using (${keysOf(callsOfUser)}) o (provider, key, id)
       where k.provider is not distinct from o.provider and k.key = o.key and k.call_log_id = o.id`,
      [userId],
    );
  }
}

/**
 * Puts a partitioned table in the place of `call_logs`, with that as its first partition. In a transaction, which holds the
 * table alone from here on; what the core has on it is to be installed anew.
 * @param keys the table of keys that was filled
 * @returns false: what was prepared is no longer there; nothing is changed
 */
export async function swapCallTable(client: pg.ClientBase, border: string, keys: string): Promise<boolean> {
  const before = `call_logs_before_${border.replace('-', '_')}`;
  await client.query('lock table quota.call_logs in access exclusive mode');
  // Behind a pooler no lock keeps others from taking it back.
  if ((await selectCallKeys(client)) !== keys) {
    return false;
  }
  await dropWhatNamesRows(client);
  const shape = await selectShape(client);
  const run = async (...statements: string[]) => {
    for (const statement of statements) {
      await client.query(statement);
    }
  };
  await run(
    ...shape.triggers.map((name) => `drop trigger ${name} on quota.call_logs`),
    ...shape.policies.map((name) => `drop policy ${name} on quota.call_logs`),
    `alter table quota.call_logs drop constraint call_logs_pkey`,
    `alter table quota.call_logs add constraint ${before}_pkey primary key using index ${keyIndex}`,
    `alter table quota.call_logs rename to ${before}`,
    ...shape.indexes.map(
      ({ name }) => `alter index quota.${name} rename to ${name.replace('call_logs', before)}`,
    ),
    `create table quota.call_logs (like quota.${before} including comments including compression including constraints
       including defaults including generated including storage) partition by range (started_at)`,
    ...['call_logs_partition_border', ...shape.notValid.map(({ name }) => name)].map(
      (name) => `alter table quota.call_logs drop constraint ${name}`,
    ),
    `alter table quota.call_logs owner to ${shape.owner}`,
    `comment on table quota.call_logs is ${shape.comment}`,
    `alter table quota.call_logs add constraint call_logs_pkey primary key (id, started_at)`,
    ...shape.indexes.filter(({ isUnique }) => !isUnique).map(({ definition }) => definition),
    ...shape.grants.map(({ given }) => given),
    ...shape.grants.map(({ grantee }) => `revoke all on quota.${before} from ${grantee}`),
    `alter table quota.${before} alter id drop identity`,
    `alter table quota.call_logs alter id add generated always as identity (sequence name quota.call_logs_id_seq
       start with ${shape.start} increment by ${shape.increment})`,
    `select setval('quota.call_logs_id_seq', ${shape.lastValue}, ${shape.isCalled})`,
    `alter table quota.call_logs attach partition quota.${before} for values from (minvalue) to (${startOf(border)})`,
    `alter table quota.${before} drop constraint ${borderConstraint}`,
    ...shape.notValid.map(({ definition }) => definition),
    `create table quota.call_logs_rest partition of quota.call_logs default`,
    `select quota.fit_call_partition('call_logs_rest')`,
    `alter table quota.${before} enable row level security`,
  );
  await touchFunctions(client);
  return true;
}

/** Their arguments are rows of the table that is to be put aside; the core brings them back. */
async function dropWhatNamesRows(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select p.oid::regprocedure::text as name from ${functionsOfRows} order by 1`,
  );
  for (const { name } of rows) {
    await client.query(`drop function ${name}`);
  }
}

interface CallTableShape {
  owner: string;
  comment: string;
  triggers: string[];
  policies: string[];
  indexes: { name: string; isUnique: boolean; definition: string }[];
  notValid: { name: string; definition: string }[];
  grants: { grantee: string; given: string }[];
  start: string;
  increment: string;
  lastValue: string;
  isCalled: boolean;
}

async function selectShape(client: pg.ClientBase): Promise<CallTableShape> {
  const { rows } = await client.query<CallTableShape>(
    `select pg_get_userbyid(c.relowner)::regrole::text as owner, quote_literal(obj_description(c.oid, 'pg_class')) as comment,
       array(select quote_ident(t.tgname) from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal) as triggers,
       array(select quote_ident(p.polname) from pg_policy p where p.polrelid = c.oid) as policies,
       (select jsonb_agg(jsonb_build_object('name', x.relname, 'isUnique', i.indisunique,
            'definition', pg_get_indexdef(x.oid)))
          from pg_index i join pg_class x on x.oid = i.indexrelid
          where i.indrelid = c.oid and not i.indisprimary and x.relname <> '${keyIndex}') as indexes,
       (select coalesce(jsonb_agg(jsonb_build_object('name', o.conname, 'definition',
            format('alter table quota.call_logs add constraint %I %s', o.conname, pg_get_constraintdef(o.oid)))), '[]')
          from pg_constraint o where o.conrelid = c.oid and not o.convalidated) as "notValid",
       (select coalesce(jsonb_agg(jsonb_build_object('grantee', g.grantee, 'given', g.given)), '[]') from (
          select case a.grantee when 0 then 'public' else a.grantee::regrole::text end as grantee,
            format('grant %s%s on quota.call_logs to %s%s', a.privilege_type, a.columns,
              case a.grantee when 0 then 'public' else a.grantee::regrole::text end,
              case when a.is_grantable then ' with grant option' else '' end) as given
          from (
            select (aclexplode(c.relacl)).*, '' as columns
            union all
            select (aclexplode(k.attacl)).*, format(' (%I)', k.attname) from pg_attribute k
            where k.attrelid = c.oid and k.attacl is not null
          ) a
          where a.grantee <> c.relowner) g) as grants,
       s.seqstart as start, s.seqincrement as increment, v.last_value as "lastValue", v.is_called as "isCalled"
     from pg_class c
     join pg_sequence s on s.seqrelid = 'quota.call_logs_id_seq'::regclass
     cross join quota.call_logs_id_seq v
     where c.oid = 'quota.call_logs'::regclass`,
  );
  const [shape] = rows;
  if (shape === undefined) {
    throw new Error('quota.call_logs has no numbers of its own');
  }
  return shape;
}

/** Sessions that are open have read them with the former table: from now on each reads them anew. */
async function touchFunctions(client: pg.ClientBase): Promise<void> {
  await client.query('set local check_function_bodies = off');
  await client.query(`do $$
    declare
      definition text;
    begin
      for definition in
        select pg_get_functiondef(p.oid) from pg_proc p
        where p.pronamespace = 'quota'::regnamespace and p.prokind = 'f' and p.prosrc ~ 'call_logs'
      loop
        execute definition;
      end loop;
    end $$`);
}

/** Who acts, and when. */
export interface ActingSession {
  actor: string;
  asOf: string;
}

export async function selectSession(client: pg.ClientBase): Promise<ActingSession> {
  const { rows } = await client.query<ActingSession>(
    `select current_setting('quota.actor', true) as actor, current_setting('quota.as_of', true) as "asOf"`,
  );
  return rows[0] ?? { actor: '', asOf: '' };
}

/** The same in a transaction of another connection. */
export async function setSession(client: pg.ClientBase, { actor, asOf }: ActingSession): Promise<void> {
  await client.query(`select set_config('quota.actor', $1, true), set_config('quota.as_of', $2, true)`, [
    actor,
    asOf,
  ]);
}

export async function makeMonths(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ made: number }>('select quota.make_call_months() as made');
  return rows[0]?.made ?? 0;
}

/** In the transaction of the swap; the id of the row. */
export async function insertPartitioned(
  client: pg.ClientBase,
  reason: string | null,
  after: object,
): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    `insert into quota.audit_log (action, subject, reason, after)
     values ('call-logs.partitioned', 'call_logs', $1, $2) returning id`,
    [reason, JSON.stringify(after)],
  );
  return rows[0]?.id ?? '';
}
