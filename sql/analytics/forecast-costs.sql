create or replace function quota.forecast_costs(p_service text default null)
returns table (month date, service text, plan text, calls bigint, cost numeric, forecast numeric)
language sql stable
as $$
  with clock as (select quota.now() as at, date_trunc('month', quota.now() at time zone 'UTC') as first),
  month as (
    select c.at, c.first::date as day, c.first at time zone 'UTC' as starts,
      (c.first + interval '1 month') at time zone 'UTC' as ends
    from clock c
  ), spent as (
    select u.service, u.plan, grouping(u.service) = 1 as is_total, coalesce(sum(u.calls), 0) as calls,
      coalesce(sum(u.cost), 0) as cost
    from month m
    cross join lateral quota.usage_by_day(m.day, quota.day_of(m.at), p_service) u
    group by grouping sets ((u.service, u.plan), ())
  )
  select m.day, s.service, s.plan, s.calls, s.cost,
    round(s.cost + s.cost * extract(epoch from m.ends - m.at)
      / quota.pace_seconds(s.calls, m.starts, m.ends), 6)
  from month m
  cross join spent s
  order by s.is_total desc, s.cost desc, s.service, s.plan
$$;
comment on function quota.forecast_costs(text) is
  'What the calls of the running month (UTC) cost so far, and will have cost at its end at this pace (see '
  'quota.pace_seconds; null: nothing can be said yet): all in all first, without a service, then per plan.';
