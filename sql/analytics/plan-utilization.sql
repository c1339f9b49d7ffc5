-- What operators and finance ask of the running periods. Set-based: no user is looked at one by one.

create or replace function quota.plan_utilization(p_service text default null)
returns table (service text, plan text, plan_name text, meter text, unit text, users integer, active integer,
  warning integer, exceeded integer, used numeric, allowance numeric, cost numeric, cost_allowance numeric)
language sql stable
as $$
  with running as materialized (
    select q.user_id, q.meter, q.calls, q.used, q.cost, q.cost_limit, q.unit_price, x.allowance, x.exhausted,
      not x.exhausted
        and quota.percent_used(q.used, x.allowance, q.cost, q.cost_limit) >= any (q.warn_at) as warned
    -- The clock is read once, not for every quota there ever was.
    from (select quota.now() as at offset 0) clock
    join quota.usage_quotas q on quota.contains(q, clock.at)
    cross join lateral (select q.limit_quantity + q.granted as allowance,
      quota.is_exhausted(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit) as exhausted
      offset 0) x
    where q.closed_at is null and not q.superseded
  )
  select p.service, p.key, p.name, m.key, m.unit, count(s.user_id)::integer,
    (count(*) filter (where q.calls > 0))::integer, (count(*) filter (where q.warned))::integer,
    (count(*) filter (where q.exhausted))::integer, coalesce(sum(q.used), 0),
    sum(coalesce(q.allowance, l.limit_quantity)) filter (where s.user_id is not null),
    coalesce(sum(q.cost), 0), sum(coalesce(q.cost_limit, l.cost_limit,
      round(coalesce(q.allowance, l.limit_quantity) * coalesce(q.unit_price, l.unit_price)
        / quota.units_priced(m.unit), 6)))
      filter (where s.user_id is not null)
  from quota.plans p
  join quota.plan_limits l on l.plan = p.key
  join quota.meters m on m.key = l.meter
  left join quota.subscriptions s on s.plan = p.key and s.service = p.service
  left join running q on q.user_id = s.user_id and q.meter = m.key
  where p_service is null or p.service = p_service
  group by p.service, p.key, p.name, m.key, m.unit
$$;
comment on function quota.plan_utilization(text) is
  'Per plan and meter: subscribers, those who used something, were warned or used up their running period; '
  'used and cost against what all of them may use and cost at most.';
