create or replace function quota.raise_pace_alerts() returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  raised integer;
begin
  perform quota.refuse_other_users(null);
  insert into quota.usage_alerts
    (user_id, meter, period_start, threshold, level, percent, crossed_at, allowance, cost_limit)
  select q.user_id, q.meter, q.period_start, 0, 'warning',
    quota.percent_used(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit), quota.now(),
    q.limit_quantity + q.granted, q.cost_limit
  from quota.usage_quotas q
  join quota.users u on u.id = q.user_id and u.erased_at is null
  where not q.superseded and quota.contains(q, quota.now()) and q.exhausted_at is null and q.warn_at <> '{}'
    and quota.runs_out_at(q.used, q.adjusted, q.limit_quantity + q.granted, q.cost, q.cost_limit,
      case when q.cost_limit is not null then quota.adjusted_cost(q.user_id, q.meter, q.period_start) end,
      q.calls, q.period_start, q.period_end, quota.now()) is not null
    and not exists (
      select from quota.usage_alerts a
      where a.user_id = q.user_id and a.meter = q.meter and a.period_start = q.period_start
        and a.threshold = 0)
  order by q.user_id, q.meter
  on conflict do nothing;
  get diagnostics raised = row_count;
  return raised;
end $$;
comment on function quota.raise_pace_alerts() is
  'Raises one alert per period for each quota that runs out before its reset at its pace, where the plan '
  'warns at all; returns how many.';
