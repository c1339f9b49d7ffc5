/**
 * Checks that work everything out from the facts. `$1` are users, null: all. Who is as when they were found right need not
 * be among them: the database tells.
 */
import type pg from 'pg';
import { iso, now } from './check-store.ts';

/** R1: every quota must be the sum of its facts. */
export const wrongQuotas = `
  select u.external_id as "externalId", q.meter, ${iso('q.period_start')} as "periodStart",
    q.used::text as used, f.used::numeric(20,3)::text as "usedByFacts",
    q.adjusted::text as adjusted, f.adjusted::numeric(20,3)::text as "adjustedByFacts",
    trim_scale(q.cost)::text as cost, trim_scale(f.cost)::text as "costByFacts", q.calls, f.calls as "callsByFacts"
  from quota.usage_from_facts($1::uuid[]) f
  join quota.usage_quotas q using (user_id, meter, period_start)
  join quota.users u on u.id = q.user_id
  where (q.used, q.adjusted, q.cost, q.calls) is distinct from (f.used, f.adjusted, f.cost, f.calls)
  order by u.external_id, q.meter, q.period_start`;

/** What a running quota has of its grants must follow from the facts; one that time alone has ended is for the job. */
export const wrongGrants = `
  select u.external_id as "externalId", q.meter, ${iso('q.period_start')} as "periodStart", q.granted::text as granted,
    l.granted::numeric(20,3)::text as "grantedByFacts"
  from quota.usage_quotas q
  join quota.users u on u.id = q.user_id
  cross join lateral quota.granted_now(q.user_id, q.meter) l(granted)
  where ($1::uuid[] is null or q.user_id = any ($1)) and not q.superseded
    and q.period_start <= ${now} and q.period_end > ${now}
    and (q.granted <> 0 or exists (select from quota.grants g where g.user_id = q.user_id and g.meter = q.meter))
    and q.granted <> l.granted
    and not exists (
      select from quota.grants g
      where g.user_id = q.user_id and g.meter = q.meter
        and least(g.expires_at, g.revoked_at) between q.period_start and ${now} and not quota.is_settled(g, ${now}))
  order by u.external_id, q.meter`;

/**
 * Which alerts stand must follow from what is used and allowed. What time alone has changed is for jobs: a period that
 * began, a grant that ended.
 */
export const wrongAlerts = `
  with standing as (
    select a.user_id, a.meter, a.period_start, array_agg(a.threshold order by a.threshold) as thresholds
    from quota.usage_alerts a
    where ($1::uuid[] is null or a.user_id = any ($1)) and a.ended_at is null and a.threshold > 0
    group by a.user_id, a.meter, a.period_start
  ), differing as (
    select q.user_id, q.meter, q.period_start, p.percent, r.thresholds as reached,
      coalesce(t.thresholds, '{}') as standing
    from quota.usage_quotas q
    join quota.meters m on m.key = q.meter
    join quota.subscriptions s on s.user_id = q.user_id and s.service = m.service and (s.next_reset_at is null
      or s.next_reset_at > ${now})
    left join standing t on t.user_id = q.user_id and t.meter = q.meter and t.period_start = q.period_start
    cross join lateral (
      select quota.percent_used(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit) as percent offset 0) p
    cross join lateral (select quota.reached(q.warn_at, p.percent) as thresholds offset 0) r
    where ($1::uuid[] is null or q.user_id = any ($1)) and not q.superseded and q.closed_at is null
      and q.period_start <= ${now} and q.period_end > ${now}
      -- Most have reached nothing and are told of nothing.
      and (t.thresholds is not null or p.percent >= any (q.warn_at))
      and r.thresholds <> coalesce(t.thresholds, '{}')
  )
  select u.external_id as "externalId", d.meter, ${iso('d.period_start')} as "periodStart", w.threshold,
    d.percent::text as percent, case when w.stands then 'it stands, and is not so' else 'it is missing' end as problem
  from differing d
  join quota.users u on u.id = d.user_id
  cross join lateral (
    select threshold, true as stands from unnest(d.standing) threshold where threshold <> all (d.reached)
    union all
    select threshold, false from unnest(d.reached) threshold where threshold <> all (d.standing)
  ) w
  order by u.external_id, d.meter, w.threshold`;

/** Calls on a meter of the user's plan that no period counts. */
export const uncountedCalls = `
  select u.external_id as "externalId", c.meter, c.calls, ${iso('c.first')} as "firstStartedAt",
    ${iso('c.last')} as "lastStartedAt"
  from (
    select c.user_id, m.key as meter, count(*)::integer as calls, min(c.started_at) as first, max(c.started_at) as last
    from quota.call_logs c
    join quota.subscriptions s on s.user_id = c.user_id and s.service = c.service
    join quota.plan_limits l on l.plan = s.plan
    join quota.meters m on m.key = l.meter and m.service = c.service and quota.counts_model(m.models, m.patterns, c.model)
      and (m.changed_at is null or c.started_at >= m.changed_at)
    where ($1::uuid[] is null or c.user_id = any ($1))
      and not exists (
        select 1 from quota.usage_quotas q
        where q.user_id = c.user_id and q.meter = m.key
          and q.period_start <= c.started_at and q.period_end > c.started_at)
    group by c.user_id, m.key
  ) c
  join quota.users u on u.id = c.user_id
  order by u.external_id, c.meter`;

/** Ids of whoever may differ from what `noteExamined` noted. */
export async function selectUsersToExamine(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ ids: string[] }>(
    'select array(select quota.users_to_examine()) as ids',
  );
  return rows[0]?.ids ?? [];
}

/** External ids of whoever a check names, in the transaction that is open. */
export async function selectNamed(client: pg.ClientBase, sql: string): Promise<string[]> {
  const { rows } = await client.query<{ names: string[] }>(
    `select array(select distinct f."externalId" from (${sql}) f) as names`,
    [null],
  );
  return rows[0]?.names ?? [];
}

/** Notes everybody but these as found right, in the snapshot in which all were examined. */
export const noteExamined = (client: pg.ClientBase, wrong: readonly string[]) =>
  client.query('select quota.note_examined($1)', [wrong]);
