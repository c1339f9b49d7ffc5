-- What operators and finance ask of the running periods. Set-based: no user is looked at one by one.

create or replace function quota.plan_utilization(p_service text default null)
returns table (service text, plan text, plan_name text, meter text, unit text, users integer, active integer,
  warning integer, exceeded integer, used numeric, allowance numeric, cost numeric, cost_allowance numeric)
language sql stable
-- Whole tables are read, joined by hash and added up by hash: a planner takes what runs for a few rows.
set enable_nestloop = off set enable_sort = off
as $$
  with terms as materialized (
    select p.service, p.key as plan, p.name, m.key as meter, m.unit, l.limit_quantity, l.cost_limit,
      l.unit_price, quota.units_priced(m.unit) as units
    from quota.plans p
    join quota.plan_limits l on l.plan = p.key
    join quota.meters m on m.key = l.meter
    where p_service is null or p.service = p_service
  ), subscribed as (
    select s.service, s.plan, count(*) as users from quota.subscriptions s group by s.service, s.plan
  ), running as (
    -- The clock is read once, not for every quota there ever was.
    select q.user_id, q.meter, q.calls, q.used, q.cost, q.cost_limit, q.unit_price, q.warn_at,
      q.limit_quantity + q.granted as allowance,
      quota.is_exhausted(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit) as exhausted
    from quota.usage_quotas q
    where q.closed_at is null and not q.superseded
      and q.period_start <= (select quota.now()) and q.period_end > (select quota.now())
    offset 0
  ), opened as (
    select t.plan, t.meter, count(*) as quotas, count(*) filter (where q.calls > 0) as active,
      count(*) filter (where not q.exhausted
        and quota.percent_used(q.used, q.allowance, q.cost, q.cost_limit) >= any (q.warn_at)) as warned,
      count(*) filter (where q.exhausted) as exhausted, sum(q.used) as used, sum(q.cost) as cost,
      sum(coalesce(q.allowance, t.limit_quantity)) as allowance,
      sum(coalesce(q.cost_limit, t.cost_limit,
        round(coalesce(q.allowance, t.limit_quantity) * coalesce(q.unit_price, t.unit_price) / t.units, 6)))
        as cost_allowance
    from running q
    join quota.subscriptions s on s.user_id = q.user_id
    join terms t on t.service = s.service and t.plan = s.plan and t.meter = q.meter
    group by t.plan, t.meter
  )
  select t.service, t.plan, t.name, t.meter, t.unit, coalesce(s.users, 0)::integer,
    coalesce(o.active, 0)::integer, coalesce(o.warned, 0)::integer, coalesce(o.exhausted, 0)::integer,
    coalesce(o.used, 0),
    (select sum(of) from (values (o.allowance), (n.unopened * t.limit_quantity)) v(of)), coalesce(o.cost, 0),
    (select sum(of) from (values (o.cost_allowance), (n.unopened
      * coalesce(t.cost_limit, round(t.limit_quantity * t.unit_price / t.units, 6)))) v(of))
  from terms t
  left join subscribed s on s.plan = t.plan and s.service = t.service
  left join opened o on o.plan = t.plan and o.meter = t.meter
  -- Whose period is not open may use as much as the plan says. Nobody: null, which adds nothing.
  cross join lateral (select nullif(s.users - coalesce(o.quotas, 0), 0) as unopened) n
$$;
comment on function quota.plan_utilization(text) is
  'Per plan and meter: subscribers, those who used something, were warned or used up their running period; '
  'used and cost against what all of them may use and cost at most.';
