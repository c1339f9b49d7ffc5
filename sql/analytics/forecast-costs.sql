create or replace function quota.forecast_costs(p_service text default null)
returns table (month date, service text, plan text, calls bigint, cost numeric, forecast numeric)
language sql stable
as $$
  with clock as (select quota.now() as at, date_trunc('month', quota.now() at time zone 'UTC') as first),
  month as (
    select c.at, c.first::date as day, c.first at time zone 'UTC' as starts,
      (c.first + interval '1 month') at time zone 'UTC' as ends
    from clock c
  ), by_plan as materialized (
    select u.service, u.plan, sum(u.calls)::bigint as calls, sum(u.cost) as cost
    from month m
    cross join lateral quota.usage_by_plan(m.day, quota.day_of(m.at), p_service) u
    group by u.service, u.plan
  ), spent as (
    select b.service, b.plan, false as is_total, b.calls, b.cost from by_plan b
    union all
    select null, null, true, coalesce(sum(b.calls), 0)::bigint, coalesce(sum(b.cost), 0) from by_plan b
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
