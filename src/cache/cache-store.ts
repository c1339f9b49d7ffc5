import type pg from 'pg';

/** From here on changes are written down. */
export async function enableCache(client: pg.ClientBase): Promise<void> {
  await client.query('insert into quota.cache_state default values on conflict do nothing');
}

export async function countOutdated(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ due: number }>(
    'select count(*)::integer as due from quota.cache_outbox',
  );
  return rows[0]?.due ?? 0;
}

export interface OutdatedCounter {
  id: string;
  key: string;
}

/** The oldest first. */
export async function selectOutdated(client: pg.ClientBase, limit: number): Promise<OutdatedCounter[]> {
  const { rows } = await client.query<OutdatedCounter>(
    `select id, quota.cache_key(external_id, meter, period_start) as key
     from quota.cache_outbox order by id limit $1`,
    [limit],
  );
  return rows;
}

export async function deleteOutdated(client: pg.ClientBase, ids: readonly string[]): Promise<void> {
  await client.query('delete from quota.cache_outbox where id = any ($1::bigint[])', [ids]);
}

/** A counter as the facts have it. */
export interface TrueCounter {
  key: string;
  /** Null: there is no such period, or it is over. */
  used: string | null;
  /** Seconds since 1970; null: never. */
  expiresAt: string | null;
}

/** Looks counters up by user, meter and start (seconds since 1970, or null for a lifetime), in the order given. */
export async function selectCounters(
  client: pg.ClientBase,
  counters: readonly { key: string; user: string; meter: string; start: string | null }[],
): Promise<TrueCounter[]> {
  const { rows } = await client.query<TrueCounter>(
    `select c.key, trim_scale(q.used)::text as used,
       case when isfinite(q.period_end) then extract(epoch from q.period_end)::bigint::text end as "expiresAt"
     from unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) with ordinality c(key, external_id, meter, start, place)
     left join quota.users u on u.external_id = c.external_id
     left join quota.usage_quotas q on q.user_id = u.id and q.meter = c.meter
       and q.period_start = case when c.start is null then '-infinity' else to_timestamp(c.start) end
       and q.period_end > quota.now() and not q.superseded
     order by c.place`,
    [
      counters.map(({ key }) => key),
      counters.map(({ user }) => user),
      counters.map(({ meter }) => meter),
      counters.map(({ start }) => start),
    ],
  );
  return rows;
}
