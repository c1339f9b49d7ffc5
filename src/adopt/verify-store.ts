import type pg from 'pg';
import type { PlacedFigure } from './check-mapping.ts';
import { countersOf } from './opening-store.ts';
import type { AppDatabase } from './remote/app-database.ts';

/** A period in which the app's rows, or its counter, and our usage are not the same. Exact decimals as text. */
export interface AdoptDifference extends Record<string, unknown> {
  /** The source, or the counter, that says otherwise. */
  from: string;
  externalId: string;
  meter: string;
  periodStart: string | null;
  app: string | null;
  quota: string | null;
  difference: string;
}

/** What one comparison came to. */
export interface Comparison {
  compared: number;
  differing: number;
  differences: AdoptDifference[];
}

const iso = (column: string) =>
  `case when isfinite(${column}) then to_char(${column}, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') end`;

/** Only what differs is kept, and the first of it. */
const summed = (compared: string) => `
  with compared as materialized (${compared})
  select (select count(*) from compared)::integer as compared,
    (select count(*) from compared c where c.app is distinct from c.ours)::integer as differing,
    coalesce((select json_agg(d) from (
      select c.name as "from", coalesce(u.external_id, c.user_name) as "externalId", c.meter,
        ${iso('c.period_start')} as "periodStart", trim_scale(c.app)::text as app,
        trim_scale(c.ours)::text as quota, trim_scale(coalesce(c.ours, 0) - coalesce(c.app, 0))::text as difference
      from compared c left join quota.users u on u.id = c.user_id
      where c.app is distinct from c.ours
      order by abs(coalesce(c.ours, 0) - coalesce(c.app, 0)) desc, 2, c.meter limit $1) d), '[]') as differences`;

/** All rows are joined and summed at once, and the users of most products fit into this. */
export async function allowLargeTables(client: pg.ClientBase): Promise<void> {
  await client.query(`set local work_mem = '64MB'`);
}

/**
 * The rows of the sources of a service against the usage of every period.
 * @param rows selects composite calls, of all sources of the service
 */
export async function compareRows(
  client: pg.ClientBase,
  service: string,
  rows: string,
  limit: number,
): Promise<Comparison> {
  const { rows: found } = await client.query<Comparison>(
    summed(`
      select coalesce(a.name, 'rows') as name, coalesce(a.user_id, q.user_id) as user_id, a.user_name,
        coalesce(a.meter, q.meter) as meter, coalesce(a.period_start, q.period_start) as period_start,
        a.quantity::numeric(20,3) as app, q.quantity as ours
      from (
        select 'rows' as name, u.id as user_id, min(c.user_name) as user_name, m.key as meter, p.period_start,
          sum(quota.quantity_of(m.unit, m.measure, c.status, round(c.duration_seconds, 3), c.messages, c.file_size_bytes,
            c.quantities)) as quantity
        from (${rows}) c
        left join quota.assistants o on c.user_name is null and o.provider_assistant_id = c.assistant_id
        left join quota.users n on n.external_id = c.user_name
        cross join lateral (select coalesce(n.id, o.user_id) as id) u
        join quota.meter_terms m on m.service = $2 and m.until = 'infinity'
          and quota.counts_model(m.models, m.patterns, c.model)
        -- Periods that hold do not overlap. A look into the index for each row takes half of the whole.
        left join quota.usage_quotas p on p.user_id = u.id and p.meter = m.key and quota.contains(p, c.started_at)
          and not p.superseded
        where c.is_there and not (u.id is null and quota.was_erased(c.user_name) is true)
          and (o.user_id is null or exists (select from quota.users e where e.id = o.user_id and e.erased_at is null))
          and (p.period_start is not null or not exists (
          select from quota.subscriptions s
          where s.user_id = u.id and s.service = $2 and not exists (
            select from quota.plan_limits l where l.plan = s.plan and l.meter = m.key)))
        group by u.id, case when u.id is null then c.user_name end, m.key, p.period_start
      ) a
      full join (
        select q.user_id, q.meter, q.period_start, q.used - q.adjusted as quantity
        from quota.usage_quotas q join quota.meters m on m.key = q.meter and m.service = $2
        join quota.users e on e.id = q.user_id and e.erased_at is null
        where not q.superseded and (q.used <> q.adjusted or q.calls > 0)
      ) q on q.user_id = a.user_id and q.meter = a.meter and q.period_start = a.period_start`),
    [limit, service],
  );
  return found[0] ?? { compared: 0, differing: 0, differences: [] };
}

/** A counter of the app against the usage of the period that it is of. */
export async function compareFigure(
  client: pg.ClientBase,
  app: AppDatabase,
  { meter, ...figure }: PlacedFigure,
  limit: number,
): Promise<Comparison> {
  const counters = await countersOf(app, figure, 3);
  const { rows } = await client.query<Comparison>(
    summed(`
      select f.name, u.id as user_id, f.user_name, $2::text as meter, f.used as app, coalesce(q.used, 0) as ours,
        -- Where nothing is counted there is no row of the period.
        coalesce(q.period_start, (
          select case when l.reset_every is null then '-infinity' else lower(quota.period_at(
            quota.limit_anchor(l.reset_anchor, l.boundary, s.anchor_local), l.reset_every, s.timezone, f.at)) end
          from quota.subscriptions s join quota.plan_limits l on l.plan = s.plan
          where s.user_id = u.id and l.meter = $2 and f.at is not null)) as period_start
      from (
        select '${figure.relation.replaceAll("'", "''")}' as name, o.name as user_name, o.used,
          ${figure.at === null ? 'quota.now()' : 'o.at'} as at
        from (${counters.select}) o
      ) f
      left join quota.users u on u.external_id = f.user_name
      left join lateral (
        select q.period_start, q.used from quota.usage_quotas q
        where q.user_id = u.id and q.meter = $2 and quota.contains(q, f.at) and not q.superseded
        limit 1) q on true
      where not (u.id is null and quota.was_erased(f.user_name) is true)`),
    [limit, meter, ...counters.values],
  );
  return rows[0] ?? { compared: 0, differing: 0, differences: [] };
}

/** How far behind the app the count is: the rows that wait, and since when the oldest of them does. */
export async function selectLag(
  client: pg.ClientBase,
  product: string,
): Promise<{ waiting: number; lagSeconds: number }> {
  const { rows } = await client.query<{ waiting: number; lagSeconds: number }>(
    `select count(*)::integer as waiting,
       coalesce(extract(epoch from quota.now() - min(d.buried_at)), 0)::float8 as "lagSeconds"
     from quota.adopt_dead d join quota.adopt_sources s on s.id = d.source where s.product = $1`,
    [product],
  );
  return rows[0] ?? { waiting: 0, lagSeconds: 0 };
}
