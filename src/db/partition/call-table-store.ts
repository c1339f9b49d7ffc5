import type pg from 'pg';
import { withAdvisoryLock } from '../advisory-lock.ts';
import { withTransaction } from '../transaction.ts';
import { dropCallKeys } from './call-keys-store.ts';

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
export const functionsOfRows = `pg_proc p
  join pg_class c on c.oid = 'quota.call_logs'::regclass
  join pg_type t on t.oid = c.reltype
  join (select distinct objid, refobjid from pg_depend
    where classid = 'pg_proc'::regclass and refclassid = 'pg_type'::regclass) u
    on u.objid = p.oid and u.refobjid in (t.oid, t.typarray)`;

export const borderConstraint = 'call_logs_partition_border';
/** What becomes the primary key of the first partition. */
export const keyIndex = 'call_logs_partition_key';

/** The instant at which a month begins, as SQL. */
export const startOf = (month: string) => `'${month}-01 00:00:00+00'`;

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

/** In a transaction: who was writing when the table of keys came has ended then, and the triggers of all others keep it. */
export async function waitForWriters(client: pg.ClientBase): Promise<void> {
  await client.query('lock table quota.call_logs in share mode');
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
