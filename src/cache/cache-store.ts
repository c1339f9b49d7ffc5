import type pg from 'pg';

/** From here on changes are written down. */
export async function enableCache(client: pg.ClientBase): Promise<void> {
  await client.query('insert into quota.cache_state default values on conflict do nothing');
}

export async function countOutdated(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ due: number }>(
    `select count(*)::integer as due from quota.cache_outbox o where ${isDue}`,
  );
  return rows[0]?.due ?? 0;
}

export interface OutdatedCounter {
  id: string;
  user: string;
  /** Under our own name; null: it is as it must be. */
  key: string | null;
  /** Under the app's own names. */
  appKeys: { key: string; onChange: 'write' | 'delete' }[];
}

const isDue = '(o.due_at is null or o.due_at <= quota.now())';

/** The oldest first. */
export async function selectOutdated(client: pg.ClientBase, limit: number): Promise<OutdatedCounter[]> {
  const { rows } = await client.query<OutdatedCounter>(
    `select o.id, o.external_id as "user",
       case when o.due_at is null then quota.cache_key(o.external_id, o.meter, o.period_start) end as key,
       coalesce((
         select json_agg(json_build_object('key', k.key, 'onChange', t.on_change) order by t.id)
         from quota.cache_templates t
         join quota.meters m on m.key = t.meter
         left join quota.subscriptions s on s.user_id = o.user_id and s.service = m.service
         cross join lateral quota.rendered_key(
           t.key, o.external_id, t.meter, o.period_start, coalesce(s.timezone, 'UTC')) k(key)
         where t.meter = o.meter and k.key is not null), '[]') as "appKeys"
     from quota.cache_outbox o where ${isDue} order by o.id limit $1`,
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

/** What a key of the app's own holds of one meter. */
export interface AppCounter {
  template: string;
  user: string;
  /** Null: it has a date, and a lifetime none. */
  key: string | null;
  field: string | null;
  /** Null: there is no limit. */
  value: string | null;
  expiresAt: string | null;
}

export async function selectAppCounters(
  client: pg.ClientBase,
  users: readonly string[],
): Promise<AppCounter[]> {
  const { rows } = await client.query<AppCounter>(
    `select template, external_id as "user", key, field, value, expires_at as "expiresAt"
     from quota.app_counters($1) order by key, field`,
    [users],
  );
  return rows;
}

/** Which of these are users. */
export async function selectKnownUsers(
  client: pg.ClientBase,
  users: readonly string[],
): Promise<Set<string>> {
  const { rows } = await client.query<{ user: string }>(
    'select external_id as "user" from quota.users where external_id = any ($1)',
    [users],
  );
  return new Set(rows.map(({ user }) => user));
}
