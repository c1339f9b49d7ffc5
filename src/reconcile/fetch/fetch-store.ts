import type pg from 'pg';
import { readBatches } from '../../db/cursor.ts';
import type { StoredCall } from '../../providers/exports/vapi-call-record.ts';
import type { ListCursor } from '../../providers/vapi/paging.ts';

/** Where a fetch is kept: `pg_temp` on a dry run, which changes no table. */
export type FetchPlace = 'quota' | 'pg_temp';

/** One provider's month on its way from the API. */
export interface FetchKey {
  place: FetchPlace;
  provider: string;
  /** `2026-10`. */
  month: string;
}

export interface StoredFetch {
  id: string;
  origin: string;
  startedAt: Date;
  isWalked: boolean;
  cursor: ListCursor | null;
}

/** A call as it is kept until it becomes a line. */
export interface FetchedCall {
  externalId: string;
  createdAt: string;
  /** ISO 8601. */
  billedAt: string;
  /** Exact decimal. */
  cost: string | null;
  record: string;
}

/** Rows that go through memory at a time. */
const batchRows = 5000;

const parameters = ({ provider, month }: FetchKey): unknown[] => [provider, `${month}-01`];

/** Makes the tables of a dry run, empty; they last as long as the connection. */
export async function createTrialTables(client: pg.ClientBase): Promise<void> {
  await client.query(`create temp table export_fetches (like quota.export_fetches including all)`);
  await client.query(`create temp table fetched_calls (like quota.fetched_calls including all)`);
}

export async function selectFetch(client: pg.ClientBase, key: FetchKey): Promise<StoredFetch | undefined> {
  const { rows } = await client.query<StoredFetch>(
    `select id, origin, started_at as "startedAt", is_walked as "isWalked", cursor
     from ${key.place}.export_fetches where provider = $1 and month = $2`,
    parameters(key),
  );
  return rows[0];
}

export async function insertFetch(
  client: pg.ClientBase,
  key: FetchKey,
  { origin, startedAt }: Pick<StoredFetch, 'origin' | 'startedAt'>,
): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    `insert into ${key.place}.export_fetches (provider, month, origin, started_at) values ($1, $2, $3, $4) returning id`,
    [...parameters(key), origin, startedAt],
  );
  return rows[0]?.id ?? '';
}

/** Keeps others off a fetch until the transaction ends. Returns false if somebody else ended it, or began another. */
export async function lockFetch(client: pg.ClientBase, key: FetchKey, id: string): Promise<boolean> {
  const { rowCount } = await client.query(
    `select 1 from ${key.place}.export_fetches where provider = $1 and month = $2 and id = $3 for update`,
    [...parameters(key), id],
  );
  return rowCount === 1;
}

/** Forgets a fetch and its calls. Returns false if somebody else ended it, or began another. */
export async function deleteFetch(client: pg.ClientBase, key: FetchKey, id: string): Promise<boolean> {
  const { rowCount } = await client.query(
    `delete from ${key.place}.export_fetches where provider = $1 and month = $2 and id = $3`,
    [...parameters(key), id],
  );
  if (rowCount === 1) {
    await client.query(
      `delete from ${key.place}.fetched_calls where provider = $1 and month = $2`,
      parameters(key),
    );
  }
  return rowCount === 1;
}

/** Forgets what was interrupted before this instant and never taken up again, of whatever month. */
export async function deleteOutdatedFetches(client: pg.ClientBase, before: Date): Promise<void> {
  await client.query(
    `with gone as (delete from quota.export_fetches where started_at < $1 returning provider, month)
     delete from quota.fetched_calls f using gone g where g.provider = f.provider and g.month = f.month`,
    [before],
  );
}

/** Keeps where a walk stands. Returns false if somebody else ended the fetch, or began another. */
export async function updateFetch(
  client: pg.ClientBase,
  key: FetchKey,
  { id, cursor, isWalked }: Pick<StoredFetch, 'id' | 'cursor' | 'isWalked'>,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `update ${key.place}.export_fetches set cursor = $4, is_walked = $5 where provider = $1 and month = $2 and id = $3`,
    [...parameters(key), id, cursor === null ? null : JSON.stringify(cursor), isWalked],
  );
  return rowCount === 1;
}

/** Keeps calls, each once: what is listed again takes the place of what was listed before. */
export async function upsertCalls(
  client: pg.ClientBase,
  key: FetchKey,
  calls: readonly FetchedCall[],
): Promise<void> {
  await client.query(
    `insert into ${key.place}.fetched_calls as f (provider, month, external_id, created_at, billed_at, cost, record)
     select $1, $2, c.* from unnest($3::text[], $4::timestamptz[], $5::timestamptz[], $6::numeric[], $7::text[]) c
     on conflict (provider, month, external_id) do update
     set created_at = excluded.created_at, billed_at = excluded.billed_at, cost = excluded.cost, record = excluded.record
     where f.record <> excluded.record`,
    [
      ...parameters(key),
      calls.map(({ externalId }) => externalId),
      calls.map(({ createdAt }) => createdAt),
      calls.map(({ billedAt }) => billedAt),
      calls.map(({ cost }) => cost),
      calls.map(({ record }) => record),
    ],
  );
}

export async function countCalls(client: pg.ClientBase, key: FetchKey): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    `select count(*)::integer as count from ${key.place}.fetched_calls where provider = $1 and month = $2`,
    parameters(key),
  );
  return rows[0]?.count ?? 0;
}

/** What was fetched of one UTC day, by creation. */
export interface DaySum {
  day: string;
  calls: number;
  /** Exact decimal. */
  cost: string;
}

/** The days of calls created in `[from, to)`. */
export async function selectDaySums(
  client: pg.ClientBase,
  key: FetchKey,
  { from, to }: { from: string; to: string },
): Promise<DaySum[]> {
  const { rows } = await client.query<DaySum>(
    `select to_char(f.created_at at time zone 'UTC', 'YYYY-MM-DD') as day, count(*)::integer as calls,
       coalesce(sum(f.cost), 0)::text as cost
     from ${key.place}.fetched_calls f
     where f.provider = $1 and f.month = $2 and f.created_at >= $3 and f.created_at < $4
     group by 1 order by 1`,
    [...parameters(key), from, to],
  );
  return rows;
}

/** The records of the calls that belong to the month, in an order that depends on nothing else; in a transaction. */
export const monthRecords = (
  client: pg.ClientBase,
  key: FetchKey,
): AsyncGenerator<{ record: string }[], void, undefined> =>
  readBatches(
    client,
    `select f.record from ${key.place}.fetched_calls f
     where f.provider = $1 and f.month = $2
       and f.billed_at >= f.month::timestamp at time zone 'UTC'
       and f.billed_at < (f.month + interval '1 month') at time zone 'UTC'
     order by f.created_at, f.external_id`,
    parameters(key),
    batchRows,
  );

/** The lines of exports whose calls were not fetched; in a transaction. */
export const unlistedCalls = (
  client: pg.ClientBase,
  key: FetchKey,
  exportIds: readonly number[],
): AsyncGenerator<StoredCall[], void, undefined> =>
  readBatches(
    client,
    `select l.external_id as id, l.assistant_id as "assistantId", l.status, ${iso('l.created_at')} as "createdAt",
       ${iso('l.started_at')} as "startedAt", ${iso('l.ended_at')} as "endedAt", l.cost::text, l.raw::text
     from quota.billing_lines l
     where l.export_id = any ($3) and l.external_id is not null
       and not exists (
         select 1 from ${key.place}.fetched_calls f
         where f.provider = $1 and f.month = $2 and f.external_id = l.external_id)`,
    [...parameters(key), exportIds],
    batchRows,
  );

const iso = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
