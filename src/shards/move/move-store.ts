import pg from 'pg';
import { copyPieces, copyText } from '../../db/copy.ts';
import { listed, named, rowSum } from '../../db/row-sum.ts';
import { movedTables, ownerColumn } from './moved-tables.ts';

/** The rows of a user in one table: `digest` is a sum over them. */
export interface TableRows {
  table: string;
  columns: string[];
  rows: string;
  digest: string;
}

/** What a shard knows of somebody who is not there. */
export interface Travel {
  userId: string;
  moveId: string;
  /** The number of the shard that they went to, or come from. */
  number: number;
}

const isNamed = `(digest = encode(sha256(convert_to($1, 'UTF8')), 'hex') or user_id::text = lower($1))`;

/** Who went from here, and who is on the way here, by an external id or an id. */
export async function selectTravels(
  client: pg.ClientBase,
  user: string,
): Promise<{ gone: Travel | null; arriving: Travel | null }> {
  const of = (table: string) =>
    `(select json_build_object('userId', user_id, 'moveId', move_id, 'number', shard_number) from quota.${table} where ${isNamed})`;
  const { rows } = await client.query(
    `select ${of('moved_users')} as gone, ${of('arriving_users')} as arriving`,
    [user],
  );
  return rows[0];
}

/** Whether this login may move anybody. */
export async function selectMayMove(client: pg.ClientBase): Promise<{
  login: string;
  isOwner: boolean;
  maySetRole: boolean;
}> {
  const { rows } = await client.query(
    `select session_user::text as login, has_schema_privilege('quota', 'create with grant option') as "isOwner",
       has_parameter_privilege('session_replication_role', 'set') as "maySetRole"`,
  );
  return rows[0];
}

/** Locks everything of a user that others change; false: nobody here has this id any more. */
export async function lockUser(client: pg.ClientBase, userId: string): Promise<boolean> {
  const { rowCount } = await client.query('select from quota.users where id = $1 for update', [userId]);
  await client.query('select quota.hold_subscriptions(array[$1::uuid])', [userId]);
  await client.query('select from quota.assistants where user_id = $1 order by id for update', [userId]);
  await client.query(
    'select from quota.assistant_limits where user_id = $1 order by assistant_id for update',
    [userId],
  );
  await holdDays(client, userId);
  return rowCount === 1;
}

/** A day that is being rolled up is waited for: its rows of this user are there then. */
async function holdDays(client: pg.ClientBase, userId: string): Promise<void> {
  await client.query(
    `select from quota.analytics_days where day in (
       select quota.day_of(started_at) from quota.call_logs where user_id = $1) order by day for share`,
    [userId],
  );
}

/** The days of a user who comes or goes, as their rows are there, are added up anew by the next roll-up, or by who asks. */
export async function forgetTotals(client: pg.ClientBase, userId: string): Promise<void> {
  await client.query(
    `delete from quota.analytics_totals where day in (
       select a.day from quota.usage_analytics a where a.user_id = $1)`,
    [userId],
  );
}

/** What keeps a user where they are, each as it can be told; empty: nothing does. */
export interface Hindrances {
  isErased: boolean;
  /** Roles that speak for this user alone. */
  logins: string[];
  /** Calls and assistants that follow rows of an adopted product. */
  adopted: number;
  /** Months in which calls of the user were matched here: `vapi 2026-10`. */
  months: string[];
  /** Tables of others that point at rows of the user. */
  pointing: string[];
  /** Running sessions, and when the last of their leases ends. */
  sessions: number;
  lastLease: string | null;
  /** Assistants that somebody is changing at the provider at this moment. */
  claimed: number;
}

export async function selectHindrances(client: pg.ClientBase, userId: string): Promise<Hindrances> {
  const { rows } = await client.query<Hindrances>(
    `with calls as materialized (select id from quota.call_logs where user_id = $1)
     select u.erased_at is not null as "isErased",
       array(select role_name::text from quota.logins where user_id = u.id order by 1) as logins,
       (select count(*)::integer from quota.adopt_links l join calls c on c.id = l.call_log_id)
         + (select count(*)::integer from quota.adopt_assistants p
            join quota.assistants a using (provider_assistant_id) where a.user_id = u.id) as adopted,
       case when exists (select from only quota.reconciliations) then array(
         select distinct r.provider || ' ' || to_char(r.month, 'YYYY-MM')
         from quota.reconciled_items i join calls c on c.id = i.log_id
         join quota.reconciliations r on r.id = i.reconciliation_id order by 1) else '{}' end as months,
       array(select distinct c.conrelid::regclass::text from pg_constraint c
         where c.contype = 'f' and c.confrelid = any ($2::text[]::regclass[])
           and c.connamespace <> 'quota'::regnamespace order by 1) as pointing,
       (select count(*)::integer from quota.concurrent_processing p
        where p.user_id = u.id and p.expires_at > quota.now()) as sessions,
       (select to_char(max(p.expires_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
        from quota.concurrent_processing p where p.user_id = u.id) as "lastLease",
       (select count(*)::integer from quota.assistant_limits l
        where l.user_id = u.id and l.claimed_until > clock_timestamp()) as claimed
     from quota.users u where u.id = $1`,
    [userId, movedTables.map(named)],
  );
  const [found] = rows;
  if (found === undefined) {
    throw new Error(`no user ${userId} to be looked at`);
  }
  return found;
}

/** How many rows a user has in each table, and what they come to. */
export async function selectTableRows(client: pg.ClientBase, userId: string): Promise<TableRows[]> {
  const { rows: shapes } = await client.query<{ table: string; columns: string[] }>(
    `select c.relname as table, array_agg(a.attname::text order by a.attname) as columns
     from pg_class c join pg_attribute a on a.attrelid = c.oid
     where c.oid = any ($1::text[]::regclass[]) and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
     group by c.relname`,
    [movedTables.map(named)],
  );
  const found: TableRows[] = [];
  for (const table of movedTables) {
    const columns = shapes.find((shape) => shape.table === table)?.columns ?? [];
    const { rows } = await client.query<{ rows: string; digest: string }>(
      `select ${rowSum(columns)} from ${named(table)} where ${ownerColumn(table)} = $1`,
      [userId],
    );
    found.push({ table, columns, rows: rows[0]?.rows ?? '0', digest: rows[0]?.digest ?? '0' });
  }
  return found;
}

/** Days of a user's calls of which the roll-up of this shard does not tell all. */
export async function selectStaleDays(client: pg.ClientBase, userId: string): Promise<string[]> {
  const { rows } = await client.query<{ day: string }>(
    `select distinct d.day::text as day
     from quota.call_logs l, quota.day_of(l.started_at) d(day)
     where l.user_id = $1 and (
       not exists (select from quota.analytics_days a where a.day = d.day and a.rolled_at is not null)
       or exists (select from quota.analytics_changes c where c.day = d.day))`,
    [userId],
  );
  return rows.map(({ day }) => day);
}

export interface Parcel extends Travel {
  externalId: string;
  shard: string;
  tables: TableRows[];
  staleDays: string[];
}

/** Says that a user is on the way here; what waited of an earlier move, which came to nothing, goes. */
export async function insertArriving(client: pg.ClientBase, parcel: Parcel): Promise<void> {
  const { userId, externalId, moveId, shard, number, tables, staleDays } = parcel;
  await deleteArriving(client, userId);
  await client.query(
    `insert into quota.arriving_users (user_id, digest, move_id, shard, shard_number, tables, stale_days)
     values ($1, encode(sha256(convert_to($2, 'UTF8')), 'hex'), $3, $4, $5, $6, $7)`,
    [userId, externalId, moveId, shard, number, JSON.stringify(tables), staleDays],
  );
}

export async function deleteArriving(client: pg.ClientBase, userId: string): Promise<void> {
  // Where no trigger acts no key does, either.
  await client.query('delete from quota.arriving_rows where user_id = $1', [userId]);
  await client.query('delete from quota.arriving_users where user_id = $1', [userId]);
}

/** About so many bytes of rows wait as one piece. */
const partBytes = 1_048_576;

/** Takes the rows of one table of a user from a shard, as they are, to where they wait in another one. */
export async function packRows(
  source: pg.ClientBase,
  target: pg.ClientBase,
  userId: string,
  { table, columns }: Pick<TableRows, 'table' | 'columns'>,
): Promise<void> {
  const query = `select ${listed(columns)} from ${named(table)} where ${ownerColumn(table)} = ${pg.escapeLiteral(userId)}`;
  let part = 0;
  for await (const data of wholeLines(copyText(source, query))) {
    part += 1;
    await target.query(
      'insert into quota.arriving_rows (user_id, table_name, part, data) values ($1, $2, $3, $4)',
      [userId, table, part, data],
    );
  }
}

/** Pieces that end with a line, which COPY writes for each row. */
async function* wholeLines(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  let kept: Buffer[] = [];
  let length = 0;
  for await (const piece of pieces) {
    kept.push(piece);
    length += piece.length;
    const end = length < partBytes ? -1 : piece.lastIndexOf('\n');
    if (end >= 0) {
      const rest = piece.subarray(end + 1);
      yield Buffer.concat([...kept.slice(0, -1), piece.subarray(0, end + 1)]);
      kept = [rest];
      length = rest.length;
    }
  }
  if (length > 0) {
    yield Buffer.concat(kept);
  }
}

/** The user who waits here under a move, locked; undefined: nobody does any more. */
export async function lockArriving(
  client: pg.ClientBase,
  { userId, moveId }: Pick<Travel, 'userId' | 'moveId'>,
): Promise<{ tables: TableRows[]; shard: string } | undefined> {
  const { rows } = await client.query<{ tables: TableRows[]; shard: string }>(
    'select tables, shard from quota.arriving_users where user_id = $1 and move_id = $2 for update',
    [userId, moveId],
  );
  return rows[0];
}

/** Puts what waits of one table where it belongs. */
export async function unpackRows(
  client: pg.ClientBase,
  userId: string,
  { table, columns }: TableRows,
): Promise<void> {
  for (let part = 1; ; part += 1) {
    const { rows } = await client.query<{ data: Buffer }>(
      'select data from quota.arriving_rows where user_id = $1 and table_name = $2 and part = $3',
      [userId, table, part],
    );
    const [found] = rows;
    if (found === undefined) {
      return;
    }
    await copyPieces(client, { table: named(table), columns: columns.map((column) => `"${column}"`) }, [
      found.data,
    ]);
  }
}

/** Nobody waits here, or has gone from here, any more: they are here. Days that were not rolled up are to be. */
export async function settleArrival(client: pg.ClientBase, userId: string): Promise<void> {
  await holdDays(client, userId);
  await forgetTotals(client, userId);
  await client.query(
    `insert into quota.analytics_changes (day)
     select distinct d.day
     from quota.call_logs l, quota.day_of(l.started_at) d(day), quota.arriving_users u
     where l.user_id = $1 and u.user_id = $1 and (
       d.day = any (u.stale_days)
       or not exists (select from quota.analytics_days a where a.day = d.day and a.rolled_at is not null))
     on conflict do nothing`,
    [userId],
  );
  await deleteArriving(client, userId);
  await client.query('delete from quota.moved_users where user_id = $1', [userId]);
}

/** Takes the rows of a user out of one table; what they were. */
export async function takeRows(
  client: pg.ClientBase,
  userId: string,
  { table, columns }: TableRows,
): Promise<{ rows: string; digest: string }> {
  const { rows } = await client.query<{ rows: string; digest: string }>(
    `with taken as (delete from ${named(table)} where ${ownerColumn(table)} = $1 returning *)
     select ${rowSum(columns)} from taken`,
    [userId],
  );
  return rows[0] ?? { rows: '0', digest: '0' };
}

/** Says where a user went from here. */
export async function insertMoved(
  client: pg.ClientBase,
  { userId, externalId, moveId, shard, number }: Omit<Parcel, 'tables' | 'staleDays'>,
): Promise<void> {
  await client.query('delete from quota.examined_users where user_id = $1', [userId]);
  await client.query(
    `insert into quota.moved_users (user_id, digest, move_id, shard, shard_number)
     values ($1, encode(sha256(convert_to($2, 'UTF8')), 'hex'), $3, $4, $5)`,
    [userId, externalId, moveId, shard, number],
  );
}

/**
 * Runs `use` in the transaction with no trigger acting: rows that were counted, noted and told of elsewhere are put or taken
 * as they are. Takes the right to set the parameter, which is a superuser's to give.
 */
export async function withoutTriggers<T>(client: pg.ClientBase, use: () => Promise<T>): Promise<T> {
  await client.query('set local session_replication_role = replica');
  const result = await use();
  await client.query('set local session_replication_role = origin');
  return result;
}
