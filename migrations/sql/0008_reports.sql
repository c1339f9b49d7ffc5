-- What operators and finance ask of the running periods. Set-based: no user is looked at one by one.

create function quota.plan_utilization(p_service text default null)
returns table (service text, plan text, plan_name text, meter text, unit text, users integer, active integer,
  warning integer, exceeded integer, used numeric, allowance numeric, cost numeric, cost_allowance numeric)
language sql stable
as $$
  select p.service, p.key, p.name, m.key, m.unit, count(s.user_id)::integer,
    (count(*) filter (where q.calls > 0))::integer,
    (count(*) filter (where not x.exhausted and quota.percent_used(q.used, x.allowance, q.cost, q.cost_limit) >= any (q.warn_at)))::integer,
    (count(*) filter (where x.exhausted))::integer,
    coalesce(sum(q.used), 0), sum(coalesce(x.allowance, l.limit_quantity)) filter (where s.user_id is not null),
    coalesce(sum(q.cost), 0), sum(coalesce(q.cost_limit, l.cost_limit,
      round(coalesce(x.allowance, l.limit_quantity) * coalesce(q.unit_price, l.unit_price) / case m.unit when 'second' then 60 else 1 end, 6)))
      filter (where s.user_id is not null)
  from quota.plans p
  join quota.plan_limits l on l.plan = p.key
  join quota.meters m on m.key = l.meter
  left join quota.subscriptions s on s.plan = p.key and s.service = p.service
  left join quota.usage_quotas q on q.user_id = s.user_id and q.meter = m.key and q.closed_at is null and not q.superseded
    and q.period_start <= quota.now() and q.period_end > quota.now()
  cross join lateral (select q.limit_quantity + q.granted as allowance,
    quota.is_exhausted(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit) as exhausted) x
  where p_service is null or p.service = p_service
  group by p.service, p.key, p.name, m.key, m.unit
$$;
comment on function quota.plan_utilization(text) is
  'Per plan and meter: subscribers, those who used something, were warned or used up their running period; used and cost against what all of them may use and cost at most.';

create function quota.forecast_quotas(p_service text default null)
returns table (user_id uuid, external_id text, service text, plan text, meter text, unit text, used numeric,
  allowance numeric, cost numeric, cost_limit numeric, percent numeric, period_end timestamptz, per_day numeric,
  runs_out_at timestamptz, by_cost boolean)
language sql stable
as $$
  with running as (
    select q.*, s.service, s.plan, m.unit, m.models, q.limit_quantity + q.granted as allowance,
      -- A call in the first minutes of a period is no pace.
      case when isfinite(q.period_start) then greatest(extract(epoch from quota.now() - q.period_start) / 86400, 1) end as days
    from quota.usage_quotas q
    join quota.meters m on m.key = q.meter
    join quota.subscriptions s on s.user_id = q.user_id and s.service = m.service
    where q.closed_at is null and not q.superseded and q.period_start <= quota.now() and q.period_end > quota.now()
      and q.exhausted_at is null and q.calls > 0 and (p_service is null or s.service = p_service)
  ), lifetimes as (
    -- A lifetime has no pace: its last thirty days have.
    select u.user_id, u.service, sum(u.seconds) as seconds, sum(u.messages) as messages,
      sum(u.premium_messages) as premium_messages, sum(u.cost) as cost
    from quota.usage_by_day(quota.day_of(quota.now()) - 29, quota.day_of(quota.now()), p_service) u
    where exists (select 1 from running r where r.days is null and r.user_id = u.user_id and r.service = u.service)
    group by u.user_id, u.service
  ), paced as (
    select r.*,
      case when r.days is not null then (r.used - r.adjusted) / r.days
        when r.unit = 'second' then l.seconds / 30
        when r.models is null then l.messages / 30.0
        else l.premium_messages / 30.0 end as per_day,
      case
        when r.cost_limit is null then null
        when r.days is null then l.cost / 30
        else (r.cost - coalesce((
          select sum(a.cost) from quota.adjustments a
          where a.user_id = r.user_id and a.meter = r.meter and a.period_start = r.period_start), 0)) / r.days
      end as cost_per_day
    from running r
    left join lifetimes l on r.days is null and l.user_id = r.user_id and l.service = r.service
  ), ends as (
    select p.*, (p.allowance - p.used) / nullif(greatest(p.per_day, 0), 0) as days_left,
      (p.cost_limit - p.cost) / nullif(greatest(p.cost_per_day, 0), 0) as cost_days_left
    from paced p
  )
  select e.user_id, u.external_id, e.service, e.plan, e.meter, e.unit, e.used, e.allowance, e.cost, e.cost_limit,
    quota.percent_used(e.used, e.allowance, e.cost, e.cost_limit), nullif(e.period_end, 'infinity'),
    round(e.per_day, 3), t.runs_out_at, coalesce(e.cost_days_left < e.days_left, e.days_left is null)
  from ends e
  join quota.users u on u.id = e.user_id
  -- More than a year ahead is no forecast (and an interval must not overflow).
  cross join lateral (select least(e.days_left, e.cost_days_left) as days) d
  cross join lateral (select quota.now() + make_interval(secs => round(d.days * 86400)::float8) as runs_out_at) t
  where d.days <= 366 and t.runs_out_at < e.period_end
$$;
comment on function quota.forecast_quotas(text) is
  'Who uses up the allowance or the cost limit before it is reset, at the mean pace of the running period (a lifetime: of the last 30 days), and when.';
