import type pg from 'pg';
import type { RemoteDatabase } from '../mapping.ts';
import type { FollowMarks } from './follow-marks.ts';
import type { ToldRow } from './read-rows-store.ts';
import type { RemoteReading } from './remote-reading.ts';

/** A source in another database that is to be looked at. */
export interface DueSource extends Record<string, unknown> {
  id: number;
  product: string;
  source: string;
  relation: string;
  /** ISO 8601; null: no look was through yet. */
  followedAt: string | null;
  error: string | null;
}

const due = `
  from quota.adopt_sources s
  join quota.adopt_products p on p.product = s.product and p.detached_at is null
  where s.is_attached and s.reading is not null and s.staged is null and s.backfilled_at is not null
    and (s.followed_at is null or s.followed_at < quota.now()) 
    and (s.follow_failed_at is null or s.follow_failed_at < quota.now())`;

export async function countToFollow(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ sources: number }>(`select count(*)::integer as sources ${due}`);
  return rows[0]?.sources ?? 0;
}

/** Users first: what they own is theirs. */
export async function selectToFollow(client: pg.ClientBase, limit: number): Promise<DueSource[]> {
  const { rows } = await client.query<DueSource>(
    `select s.id, s.product, s.name as source, s.relation, s.follow_error as error,
       to_char(s.followed_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "followedAt"
     ${due}
     order by case s.kind when 'users' then 0 when 'assistants' then 1 when 'calls' then 2 else 3 end, s.followed_at nulls first, s.id
     limit $1`,
    [limit],
  );
  return rows;
}

/** Products that are attached, and whose tables are in another database. */
export async function selectRemoteProducts(
  client: pg.ClientBase,
): Promise<{ product: string; remote: RemoteDatabase }[]> {
  const { rows } = await client.query<{ product: string; remote: RemoteDatabase }>(
    `select p.product, p.mapping -> 'remote' as remote from quota.adopt_products p
     where p.detached_at is null and p.mapping ? 'remote' order by p.product`,
  );
  return rows;
}

/** Null: somebody else holds it, or it is not to be followed yet. */
export async function claimSource(
  client: pg.ClientBase,
  id: number,
): Promise<{ reading: RemoteReading; followed: FollowMarks } | null> {
  const { rows } = await client.query<{ reading: RemoteReading | null; followed: FollowMarks | null }>(
    'select c.reading, c.followed from quota.claim_told($1) c',
    [id],
  );
  const { reading = null, followed = null } = rows[0] ?? {};
  return reading === null || followed === null ? null : { reading, followed };
}

export async function tellRows(client: pg.ClientBase, id: number, rows: readonly ToldRow[]): Promise<void> {
  if (rows.length > 0) {
    await client.query('select quota.tell_rows($1, $2::jsonb)', [
      id,
      `[${rows.map(({ told }) => told).join(',')}]`,
    ]);
  }
}

/** Takes over what was told. */
export async function takeTold(
  client: pg.ClientBase,
  id: number,
  { isWhole }: { isWhole: boolean },
): Promise<void> {
  await client.query('select quota.take_told($1, $2)', [id, isWhole]);
}

export async function noteFollowed(
  client: pg.ClientBase,
  id: number,
  followed: FollowMarks,
  { rows, isThrough }: { rows: number; isThrough: boolean },
): Promise<void> {
  await client.query('select quota.note_followed($1, $2::jsonb, $3, $4)', [
    id,
    JSON.stringify(followed),
    rows,
    isThrough,
  ]);
}

export async function noteUnfollowed(client: pg.ClientBase, id: number, error: string): Promise<void> {
  await client.query('select quota.note_unfollowed($1, $2)', [id, error]);
}

/** Keys of rows that could not be read, and are to be read again. */
export async function selectUnread(client: pg.ClientBase, id: number, limit: number): Promise<string[]> {
  const { rows } = await client.query<{ key: string }>(
    `select d.key from quota.adopt_dead d
     where d.source = $1 and d.is_unread and d.key is not null and d.next_attempt_at <= quota.now()
     order by d.next_attempt_at, d.id limit $2`,
    [id, limit],
  );
  return rows.map(({ key }) => key);
}

export async function dropUnread(client: pg.ClientBase, id: number, keys: readonly string[]): Promise<void> {
  await client.query('select quota.drop_unread($1, $2)', [id, keys]);
}

/** Now, by the clock of another server, as it writes it. */
export async function selectClock(client: pg.ClientBase): Promise<string> {
  const { rows } = await client.query<{ seen: string }>('select now()::text as seen');
  return rows[0]?.seen ?? '';
}
