create or replace function quota.forecast_quotas(p_service text default null)
returns table (
  user_id uuid, external_id text, service text, plan text, meter text, unit text, used numeric,
  allowance numeric, cost numeric, cost_limit numeric, percent numeric, period_end timestamptz,
  per_day numeric, runs_out_at timestamptz, by_cost boolean)
language sql stable
-- Whole tables are read, and joined by hash: a planner takes what is left of the quotas for a few rows.
set enable_nestloop = off
as $$
  with clock as materialized (select quota.now() as at),
  promising as materialized (
    -- What is cheap sorts nearly all quotas out before anything is joined. A pace is that of a thirtieth of
    -- the period at least: whoever has thirty times left of what was used does not run out before the end,
    -- whenever that is (one more, as seconds are rounded). Money may have been corrected, and has no such
    -- bound before its corrections are known.
    select q.user_id, q.meter, q.period_start, q.period_end, q.used, q.adjusted, q.cost, q.cost_limit,
      q.limit_quantity + q.granted as allowance, isfinite(q.period_start) as is_period
    from quota.usage_quotas q
    where not q.superseded and q.exhausted_at is null and q.calls > 0
      and q.period_start <= (select c.at from clock c) and q.period_end > (select c.at from clock c)
      and (not isfinite(q.period_start)
        or q.calls >= 5 and isfinite(q.period_end)
          and (q.cost_limit is not null
            or q.limit_quantity + q.granted - q.used < 31 * (q.used - q.adjusted)))
  ), running as materialized (
    select p.*, s.service, s.plan, m.unit, m.models, clock.at,
      -- As quota.pace_seconds tells it.
      case when p.is_period
        then quota.passed_seconds(p.period_start, p.period_end, clock.at) / 86400 end as days
    from promising p
    cross join clock
    join quota.meters m on m.key = p.meter
    join quota.subscriptions s on s.user_id = p.user_id and s.service = m.service
    where p_service is null or s.service = p_service
  ), lifetimes as (
    -- A lifetime has no pace: its last thirty days have. Few services have lifetimes.
    select l.* from quota.usage_of_month((select c.at from clock c),
      array(select distinct r.service from running r where not r.is_period)) l
  ), paced as (
    select r.*,
      case when r.is_period then (r.used - r.adjusted) / r.days
        when r.unit = 'second' then l.seconds / 30
        when r.unit = 'token' then l.tokens / 30
        when r.unit = 'byte' then l.bytes / 30
        when r.models is null then l.messages / 30.0
        else l.premium_messages / 30.0 end as per_day,
      case
        when r.cost_limit is null then null
        when not r.is_period then l.cost / 30
        else (r.cost - coalesce(quota.adjusted_cost(r.user_id, r.meter, r.period_start), 0)) / r.days
      end as cost_per_day
    from running r
    left join lifetimes l on not r.is_period and l.user_id = r.user_id and l.service = r.service
    -- "offset 0", here and below: what is worked out is worked out once, and not wherever it is named.
    offset 0
  ), ends as (
    select p.*, (p.allowance - p.used) / nullif(greatest(p.per_day, 0), 0) as days_left,
      (p.cost_limit - p.cost) / nullif(greatest(p.cost_per_day, 0), 0) as cost_days_left
    from paced p
    offset 0
  )
  select e.user_id, u.external_id, e.service, e.plan, e.meter, e.unit, e.used, e.allowance, e.cost,
    e.cost_limit,
    quota.percent_used(e.used, e.allowance, e.cost, e.cost_limit), nullif(e.period_end, 'infinity'),
    round(e.per_day, 3), t.runs_out_at, coalesce(e.cost_days_left < e.days_left, e.days_left is null)
  from ends e
  join quota.users u on u.id = e.user_id
  -- More than a year ahead is no forecast (and an interval must not overflow).
  cross join lateral (select least(e.days_left, e.cost_days_left) as days) d
  cross join lateral (
    select e.at + make_interval(secs => round(d.days * 86400)::float8) as runs_out_at) t
  where d.days <= 366 and t.runs_out_at < e.period_end
$$;
comment on function quota.forecast_quotas(text) is
  'Who uses up the allowance or the cost limit before it is reset, at the mean pace of the running period '
  '(see quota.pace_seconds; a lifetime: of the last 30 days), and when.';
