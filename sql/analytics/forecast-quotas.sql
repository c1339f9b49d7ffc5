create or replace function quota.forecast_quotas(p_service text default null)
returns table (
  user_id uuid, external_id text, service text, plan text, meter text, unit text, used numeric,
  allowance numeric, cost numeric, cost_limit numeric, percent numeric, period_end timestamptz,
  per_day numeric, runs_out_at timestamptz, by_cost boolean)
language sql stable
as $$
  with running as (
    select q.*, s.service, s.plan, m.unit, m.models, q.limit_quantity + q.granted as allowance,
      isfinite(q.period_start) as is_period, clock.at,
      -- As quota.pace_seconds tells it. The clock is read once, not for every quota there ever was.
      case when q.calls >= 5 and isfinite(q.period_start) and isfinite(q.period_end)
        then quota.passed_seconds(q.period_start, q.period_end, clock.at) / 86400 end as days
    from (select quota.now() as at offset 0) clock
    join quota.usage_quotas q on quota.contains(q, clock.at)
    join quota.meters m on m.key = q.meter
    join quota.subscriptions s on s.user_id = q.user_id and s.service = m.service
    where not q.superseded and q.exhausted_at is null and q.calls > 0
      and (p_service is null or s.service = p_service)
  ), lifetimes as (
    -- A lifetime has no pace: its last thirty days have.
    select u.user_id, u.service, sum(u.seconds) as seconds, sum(u.messages) as messages,
      sum(u.premium_messages) as premium_messages, sum(u.cost) as cost, sum(u.tokens) as tokens,
      sum(u.bytes) as bytes
    from quota.usage_by_day(quota.day_of(quota.now()) - 29, quota.day_of(quota.now()), p_service) u
    -- Days are read down the index by service: few have lifetimes.
    where u.service = any (array(select distinct r.service from running r where not r.is_period))
      and exists (
        select 1 from running r where not r.is_period and r.user_id = u.user_id and r.service = u.service)
    group by u.user_id, u.service
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
