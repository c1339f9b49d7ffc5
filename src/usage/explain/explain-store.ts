import type pg from 'pg';
import type { QuotaEvent, QuotaStory } from './explain.ts';

export interface ExplainedService {
  service: string;
  plan: string;
  limitEnforcedAt: Date | null;
}

/** The services of a user: what is blocked first, then what was used last. */
export async function selectServices(client: pg.ClientBase, userId: string): Promise<ExplainedService[]> {
  const { rows } = await client.query<ExplainedService>(
    `select s.service, s.plan, s.limit_enforced_at as "limitEnforcedAt"
     from quota.subscriptions s
     left join lateral (
       select bool_or(c.state = 'exceeded') as blocked from quota.current_quotas(s.user_id) c where c.service = s.service
     ) c on true
     left join lateral (
       select max(l.started_at) as last from quota.call_logs l where l.user_id = s.user_id and l.service = s.service
     ) l on true
     where s.user_id = $1
     order by c.blocked desc nulls last, s.limit_enforced_at nulls last, l.last desc nulls last, s.service`,
    [userId],
  );
  return rows;
}

export type StoryPeriod = Omit<QuotaStory, 'events' | 'period'> & { start: string; end: string };

const storyColumns = `trim_scale(limit_quantity)::text as limit, trim_scale(cost_limit)::text as "costLimit",
  trim_scale(granted)::text as granted, trim_scale(used)::text as used, trim_scale(cost)::text as cost,
  period_start::text as start, period_end::text as end,
  quota.instant_text(quota.runs_out_at(used, adjusted, limit_quantity + granted, cost, cost_limit,
    case when cost_limit is not null then quota.adjusted_cost(user_id, meter, period_start) end, calls, period_start,
    period_end, quota.now())) as "runsOutAt"`;

/** The running periods of a service, opened or not. */
export async function selectRunningPeriods(
  client: pg.ClientBase,
  userId: string,
  service: string,
): Promise<StoryPeriod[]> {
  const { rows } = await client.query<StoryPeriod>(
    `select meter, unit, ${storyColumns} from quota.current_quotas($1) where service = $2 order by meter`,
    [userId, service],
  );
  return rows;
}

/** The periods of a service that contain an instant and were opened: of each meter the one that limits, or did. */
export async function selectPeriodsAt(
  client: pg.ClientBase,
  userId: string,
  service: string,
  at: string,
): Promise<StoryPeriod[]> {
  const { rows } = await client.query<StoryPeriod>(
    `select distinct on (q.meter) q.meter, m.unit, ${storyColumns}
     from quota.usage_quotas q join quota.meters m on m.key = q.meter
     where q.user_id = $1 and m.service = $2 and q.period_start <= $3 and q.period_end > $3
     order by q.meter, q.superseded, q.period_start desc`,
    [userId, service, at],
  );
  return rows;
}

/**
 * Everything that made a quota what it is, up to quota.now(). More than `callsMax` calls are told by day, but never
 * across another event.
 */
export async function selectEvents(
  client: pg.ClientBase,
  userId: string,
  period: StoryPeriod,
  callsMax: number,
): Promise<QuotaEvent[]> {
  const { rows } = await client.query<Omit<QuotaEvent, 'at' | 'until'> & { at: Date; until: Date | null }>(
    eventsQuery,
    [userId, period.meter, period.start, period.end, callsMax],
  );
  return rows.map((row) => ({
    ...row,
    at: row.at.toISOString(),
    until: row.until?.toISOString() ?? null,
  }));
}

/** Changes that the log of adjustments and grants tells already. */
const toldElsewhere = `'usage.reset', 'usage.adjusted', 'grant.added'`;

const eventsQuery = `
  with story as (
    select m.key as meter, m.service, m.unit, m.measure, m.models, m.patterns, $3::timestamptz as starts, $4::timestamptz as ends, s.plan,
      s.timezone, least(quota.now(), case when $4 = 'infinity' then quota.now() else $4::timestamptz end) as until,
      exists (select 1 from quota.plan_limits l where l.plan = s.plan and l.on_exceeded = 'limit_assistants') as limits_assistants
    from quota.meter_terms m left join quota.subscriptions s on s.user_id = $1 and s.service = m.service
    where m.key = $2 and $4::timestamptz > m.since and $4 <= m.until
  ), others as (
    select a.created_at as at, 1 as place, a.id as part, 'adjustment' as kind, a.quantity, a.actor as who, a.reason as why,
      case a.kind when 'reset' then 'usage reset by an operator' when 'reset_carried' then 'used before a reset'
        when 'undone' then 'reset taken back' when 'carried' then 'used before the time zone was changed' else a.kind end as text
    from quota.adjustments a where a.user_id = $1 and a.meter = $2 and a.period_start = $3
    union all
    select g.created_at, 2, g.id, 'grant', null, g.actor, g.reason,
      trim_scale(g.quantity)::text || ' ' || story.unit || 's granted' || coalesce(' until ' || to_char(g.expires_at, 'YYYY-MM-DD HH24:MI"Z"'), '')
    from quota.grants g, story
    where g.user_id = $1 and g.meter = $2 and g.created_at < story.ends and (least(g.expires_at, g.revoked_at) is null or least(g.expires_at, g.revoked_at) > story.starts)
      and (g.created_at >= story.starts or g.consumed < g.quantity)
    union all
    select g.expires_at, 2, g.id, 'grant', null, null, null, 'the grant of ' || trim_scale(g.quantity)::text || ' ' || story.unit || 's expired'
    from quota.grants g, story
    where g.user_id = $1 and g.meter = $2 and g.revoked_at is null and g.expires_at >= story.starts and g.expires_at < story.ends
    union all
    select w.crossed_at, 4, w.threshold, 'threshold', null, null, null,
      case when w.threshold = 0 then 'pace: used up before the reset, as it goes'
        else w.threshold || ' % crossed (' || w.level || ')' end || case when w.acknowledged_at is not null then ', acknowledged' else '' end
        || coalesce(', until ' || to_char(w.ended_at, 'YYYY-MM-DD HH24:MI"Z"'), '')
    from quota.usage_alerts w where w.user_id = $1 and w.meter = $2 and w.period_start = $3
    union all
    select a.at, 5, a.id, a.action, null, a.actor, quota.audit_reason(a),
      case a.action
        when 'plan.changed' then case
          when a.before->>'plan' = a.after->>'plan' then 'other custom limits on ' || (a.after->>'plan')
          else 'plan ' || coalesce(a.before->>'plan', 'none') || ' → ' || (a.after->>'plan') end
        when 'plan.applied' then 'the plan ' || a.subject || ' was changed'
        when 'meter.applied' then 'the meter ' || a.subject || ' was changed'
        when 'usage.recorded' then 'a call was recorded by hand'
        when 'subscription.reset' then 'reset: the period to ' || to_char(a.period_end, 'YYYY-MM-DD HH24:MI"Z"') || ' was closed'
        when 'assistant.limited' then 'assistant ' || a.subject || ' limited at the provider'
        when 'assistant.restored' then 'assistant ' || a.subject || ' restored at the provider'
        else a.action || coalesce(' ' || a.subject, '')
      end
    from quota.audit_log a, story
    where a.action not in (${toldElsewhere}) and a.at >= story.starts
      and (a.user_id = $1 and (a.service = story.service or (story.limits_assistants and a.action like 'assistant.%'))
        or a.action = 'plan.applied' and a.subject = story.plan and a.user_id is null
        or a.action = 'meter.applied' and a.subject = story.meter)
  ), calls as (
    select c.started_at as at, c.id, quota.quantity_of(story.unit, story.measure, c.status, c.duration_seconds, c.messages,
        c.file_size_bytes, c.quantities) as quantity,
      c.provider, c.model, case when quota.is_estimate(c.settled_by) then 'estimated' else c.status end as status, story.timezone, count(*) over () as total
    from story
    join quota.call_logs c on c.user_id = $1 and c.service = story.service and c.started_at >= story.starts
      and c.started_at < story.ends and c.started_at <= quota.now() and quota.counts_model(story.models, story.patterns, c.model)
  ), placed as (
    select o.at, o.place, o.part, o.kind, o.quantity, o.who, o.why, o.text, null::text as model, null::text as day, 0::bigint as total
    from others o, story
    where o.at <= quota.now() and (o.at < story.ends or o.kind = 'subscription.reset' or o.kind = 'adjustment')
    union all
    select c.at, 3, c.id, 'calls', c.quantity, c.provider, null,
      case c.status when 'completed' then 'call' else 'call (' || c.status || ')' end, c.model,
      to_char(c.at at time zone coalesce(c.timezone, 'UTC'), 'YYYY-MM-DD'), c.total
    from calls c
  ), numbered as (
    select p.*, count(*) filter (where p.kind <> 'calls') over (order by p.at, p.place, p.part) as segment,
      row_number() over (order by p.at, p.place, p.part) as number
    from placed p
  ), grouped as (
    select min(at) as at, case when count(*) > 1 then max(at) end as until, kind,
      case when kind = 'calls' then count(*)::integer end as calls, sum(quantity) as quantity,
      case when count(distinct who) = 1 then min(who) end as who, min(why) as why,
      case when count(*) > 1 then count(*) || ' calls' else min(text) || coalesce(' to ' || min(model), '') end as text,
      min(number) as number
    from numbered
    group by kind, segment, case when kind = 'calls' and total > $5 then day else number::text end
  )
  select at, until, kind, calls, trim_scale(quantity)::text as quantity,
    trim_scale(coalesce(sum(quantity) over (order by number), 0))::text as balance, who, why, text
  from grouped order by number`;
