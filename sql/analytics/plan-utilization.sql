-- What operators and finance ask of the running periods. Set-based: no user is looked at one by one.

create or replace function quota.plan_utilization(p_service text default null)
returns table (service text, plan text, plan_name text, meter text, unit text, users integer, active integer,
  warning integer, exceeded integer, used numeric, allowance numeric, cost numeric, cost_allowance numeric)
language sql stable
as $$
  select p.service, p.key, p.name, m.key, m.unit, count(s.user_id)::integer,
    (count(*) filter (where q.calls > 0))::integer,
    (count(*) filter (where not x.exhausted
      and quota.percent_used(q.used, x.allowance, q.cost, q.cost_limit) >= any (q.warn_at)))::integer,
    (count(*) filter (where x.exhausted))::integer,
    coalesce(sum(q.used), 0),
    sum(coalesce(x.allowance, l.limit_quantity)) filter (where s.user_id is not null),
    coalesce(sum(q.cost), 0), sum(coalesce(q.cost_limit, l.cost_limit,
      round(coalesce(x.allowance, l.limit_quantity) * coalesce(q.unit_price, l.unit_price)
        / quota.units_priced(m.unit), 6)))
      filter (where s.user_id is not null)
  from quota.plans p
  join quota.plan_limits l on l.plan = p.key
  join quota.meters m on m.key = l.meter
  left join quota.subscriptions s on s.plan = p.key and s.service = p.service
  left join quota.usage_quotas q on q.user_id = s.user_id and q.meter = m.key and q.closed_at is null
    and not q.superseded
    and quota.contains(q, quota.now())
  cross join lateral (select q.limit_quantity + q.granted as allowance,
    quota.is_exhausted(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit) as exhausted) x
  where p_service is null or p.service = p_service
  group by p.service, p.key, p.name, m.key, m.unit
$$;
comment on function quota.plan_utilization(text) is
  'Per plan and meter: subscribers, those who used something, were warned or used up their running period; '
  'used and cost against what all of them may use and cost at most.';
