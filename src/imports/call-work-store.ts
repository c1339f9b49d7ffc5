import type pg from 'pg';
import { copyAcross } from '../db/copy.ts';
import { isPooled } from '../db/pooled-client.ts';

/** Lines of `import_work` by their position, from the first to the last. */
export interface WorkGroup {
  first: number;
  last: number;
}

/** The columns of `import_work` by where their values come from. */
const laidOut = {
  number: 'r.number',
  user_id: 'coalesce(u.id, a.user_id)',
  log_id: 'e.log_id',
  differs: 'coalesce(e.differs, false)',
  import_key: 'k.import_key',
  ...Object.fromEntries(
    [
      'user_external_id',
      'service',
      'provider',
      'provider_call_id',
      'provider_assistant_id',
      'model',
      'status',
      'started_at',
      'ended_at',
      'duration_seconds',
      'messages',
      'words_spoken',
      'file_size_bytes',
      'cost',
      'error_message',
      'metadata',
      'quantities',
    ].map((column) => [column, `r.${column}`]),
  ),
};

/** Of two loaders each has users of its own. The other one begins first, and so gets a little more than half. */
const shares = {
  all: 'true',
  own: `(uuid_hash(${laidOut.user_id}) & 31) >= 18`,
  other: `(uuid_hash(${laidOut.user_id}) & 31) < 18`,
};

/**
 * What is to be written, user by user: the lines that are new and, where calls are updated, those that differ from the call
 * that is there (`log_id`). Side by side, the calls of a user get pages of their own.
 */
const work = (withUpdates: boolean, share: keyof typeof shares) => `
  select w.*, row_number() over () as position
  from (
    select ${Object.entries(laidOut)
      .map(([column, value]) => `${value} as ${column}`)
      .join(', ')}
    from import_rows r
    left join import_existing e on e.number = r.number
    left join import_keys k on k.number = r.number
    left join quota.users u on u.external_id = r.user_external_id
    left join quota.assistants a on r.user_external_id is null and a.provider_assistant_id = r.provider_assistant_id
    where r.problem is null and r.repeated is not true and (e.number is null or ${withUpdates} and e.differs)
      and ${shares[share]}
    order by user_id
  ) w`;

/**
 * Lays out what is to be written in `import_work`: all of it, or what the other loader leaves.
 * @returns how many lines
 */
export async function layOutWork(
  client: pg.ClientBase,
  withUpdates: boolean,
  share: 'all' | 'own' = 'all',
): Promise<number> {
  const { rowCount } = await client.query(`create temp table import_work as ${work(withUpdates, share)}`);
  await readyWork(client);
  return rowCount ?? 0;
}

/** Lays out the work of the other loader in a session of its own, in which the same tables are there, and empty. */
export async function layOutOther(
  client: pg.ClientBase,
  other: pg.ClientBase,
  withUpdates: boolean,
): Promise<number> {
  await other.query(`create temp table import_work as ${work(withUpdates, 'other')} with no data`);
  const target = { table: 'import_work', columns: [...Object.keys(laidOut), 'position'] };
  const lines = await copyAcross(client, work(withUpdates, 'other'), other, target, 'binary');
  await readyWork(other);
  return lines;
}

async function readyWork(client: pg.ClientBase): Promise<void> {
  await client.query('create unique index on import_work (position)');
  await client.query('analyze import_work (position)');
}

/** More lines of one user are several groups: nobody waits for all of them. */
const linesOfUserMax = 1_000;

/** The last line of a group of so many lines at the most: of whole users, or a part of one who has very many. */
export async function endOfGroup(client: pg.ClientBase, first: number, linesMax: number): Promise<number> {
  const { rows } = await client.query<{ last: number }>(
    `select coalesce(
      -- All that is left, unless there is a line beyond.
      (select max(position) from import_work where position >= $1
        and not exists (select from import_work where position = $1 + $2::integer)),
      -- Up to the user whom that line would cut.
      (select position from import_work
        where position >= $1 and position < $1 + $2::integer
          and user_id <> (select user_id from import_work where position = $1 + $2::integer)
        order by position desc limit 1),
      -- Or a part of one who has them all.
      (select position from import_work
        where position >= $1 and position < $1 + greatest($2, $3::integer)
          and user_id = (select user_id from import_work where position = $1)
        order by position desc limit 1))::integer as last`,
    [first, linesMax, linesOfUserMax],
  );
  return rows[0]?.last ?? first;
}

/** Adds the new calls of a group; the triggers of the table do the counting. */
export async function insertCallLogs(
  client: pg.ClientBase,
  { first, last }: WorkGroup,
  onConflict: 'fail' | 'skip',
): Promise<number> {
  const { rowCount } = await client.query(
    `insert into quota.call_logs
      (user_id, service, provider, provider_call_id, assistant_id, model, status, started_at, ended_at,
       duration_seconds, messages, words_spoken, file_size_bytes, cost, error_message, metadata, quantities, import_key)
    select user_id, service, provider, provider_call_id, provider_assistant_id, model, coalesce(status, 'completed'),
      started_at, ended_at, duration_seconds, messages, words_spoken, file_size_bytes, cost, error_message, metadata,
      quantities, import_key
    from import_work
    where position between $1 and $2 and log_id is null
    order by position
    ${onConflict === 'skip' ? 'on conflict do nothing' : ''}`,
    [first, last],
  );
  return rowCount ?? 0;
}

/** Each group looks up what is of its users, also where a table is still so small that reading it all would do. */
export async function tuneGroups(client: pg.ClientBase): Promise<void> {
  await client.query(`select set_config('enable_seqscan', 'off', $1)`, [isPooled(client)]);
}

/**
 * To be called within a transaction: it need not be on disk when it is over. A server that loses it, loses it as a
 * whole, and what comes after it, too.
 * @returns for how many milliseconds it has held its users up to now: they were locked when all was written
 */
export async function commitSoon(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ heldMs: number }>(
    `select set_config('synchronous_commit', 'off', true), coalesce(extract(epoch from clock_timestamp()
       - nullif(current_setting('quota.held_since', true), '')::timestamptz) * 1000, 0)::float8 as "heldMs"`,
  );
  return rows[0]?.heldMs ?? 0;
}

/** Transactions of everybody that have ended in the database, as the server's statistics say, a second late or so. */
export async function countTransactions(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ ended: number }>(
    `select (xact_commit + xact_rollback)::float8 as ended from pg_stat_database where datname = current_database()`,
  );
  return rows[0]?.ended ?? 0;
}
