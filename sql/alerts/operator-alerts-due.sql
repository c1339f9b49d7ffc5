create or replace function quota.operator_alerts_due()
returns table (day date, service text, kind text, value numeric, limit_value numeric, calls bigint)
language plpgsql stable
as $$
declare
  today date := quota.day_of(quota.now());
  -- Of fewer calls a share says nothing.
  calls_min constant integer := 20;
begin
  -- Summing a day costs what it has: nothing where nobody has set a limit.
  if not exists (
    select from quota.service_settings s
    where s.max_daily_cost is not null or s.max_error_percent is not null)
  then
    return;
  end if;
  return query
  with sums as (
    select u.day, coalesce(u.service, '') as service, sum(u.calls) as calls, sum(u.errors) as errors,
      sum(u.cost) as cost
    from quota.usage_by_day(today - 1, today) u
    group by grouping sets ((u.day, u.service), (u.day))
  )
  select d.day, d.service, l.kind, l.value, l.limit_value, d.calls
  from sums d
  join quota.service_settings s on s.service = d.service
  cross join lateral (values
    ('daily_cost', d.cost, s.max_daily_cost, d.cost >= s.max_daily_cost),
    ('error_rate', round(100.0 * d.errors / d.calls, 2), s.max_error_percent,
      d.calls >= calls_min and 100.0 * d.errors / d.calls > s.max_error_percent)
  ) l(kind, value, limit_value, is_beyond)
  where l.is_beyond and not exists (
    select from quota.operator_alerts a where a.day = d.day and a.service = d.service and a.kind = l.kind)
  order by d.day, d.service, l.kind;
end $$;
comment on function quota.operator_alerts_due() is
  'Limits of service_settings that today or yesterday (UTC) went beyond, and that were not raised yet.';
