import type pg from 'pg';

/** Days that are over and were never rolled up, or whose calls have changed since. */
export async function countDaysToRoll(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ due: number }>(
    'select count(*)::integer as due from quota.days_to_roll()',
  );
  return rows[0]?.due ?? 0;
}

/** The oldest first; `rolledAt` null: never yet. */
export async function selectDaysToRoll(
  client: pg.ClientBase,
  limit: number,
): Promise<{ day: string; rolledAt: string | null }[]> {
  const { rows } = await client.query<{ day: string; rolled_at: Date | null }>(
    `select d.day::text, a.rolled_at
     from quota.days_to_roll() d(day) left join quota.analytics_days a using (day)
     order by d.day limit $1`,
    [limit],
  );
  return rows.map(({ day, rolled_at }) => ({ day, rolledAt: rolled_at?.toISOString() ?? null }));
}

/**
 * Transactions that have changed calls and began before a horizon. Whoever has written none of them until then sees
 * the claim when it does, so that what merely sits there holds up nobody.
 */
const writersFromBefore = (horizon: string) => `
  select from pg_locks w
  join pg_locks x on x.virtualtransaction = w.virtualtransaction and x.pid is not distinct from w.pid
    and x.locktype = 'transactionid' and x.granted
  where w.locktype = 'relation' and w.granted and w.mode <> 'AccessShareLock' and w.mode <> 'RowShareLock'
    and w.pid is distinct from pg_backend_pid()
    and w.database = (select oid from pg_database where datname = current_database())
    and (w.relation = 'quota.call_logs'::regclass
      or w.relation in (select inhrelid from pg_inherits where inhparent = 'quota.call_logs'::regclass))
    -- The short numbers of transactions go round: before is what is less than half a round behind.
    and (${horizon}::text::bigint - x.transactionid::text::bigint) & 4294967295 between 1 and 2147483647`;

/**
 * Claims days, so that whoever changes their calls from now on leaves a mark, and returns those that no transaction
 * from before the claim can still change. Three statements on purpose: the horizon is taken after the claim is
 * committed, and looked at after that.
 */
export async function claimDays(client: pg.ClientBase, limit: number): Promise<string[]> {
  await client.query(
    `insert into quota.analytics_days (day) select day from quota.days_to_roll() d(day) order by 1 limit $1
     on conflict do nothing`,
    [limit],
  );
  await client.query(
    'update quota.analytics_days set horizon = pg_snapshot_xmax(pg_current_snapshot()) where horizon is null',
  );
  const { rows } = await client.query<{ day: string }>(
    `select d.day::text
     from quota.days_to_roll() d(day) join quota.analytics_days a using (day)
     where a.horizon <= pg_snapshot_xmin(pg_current_snapshot()) or not exists (${writersFromBefore('a.horizon')})
     order by d.day limit $1`,
    [limit],
  );
  return rows.map(({ day }) => day);
}

/** One transaction. Returns the rows written: one per user and service. */
export async function rollUpDay(client: pg.ClientBase, day: string): Promise<number> {
  const { rows } = await client.query<{ written: number }>('select quota.roll_up_day($1) as written', [day]);
  return rows[0]?.written ?? 0;
}

/** Adds up days whose rows came or went without a roll-up. */
export async function addUpMissing(client: pg.ClientBase): Promise<void> {
  await client.query('select quota.add_up_missing()');
}
