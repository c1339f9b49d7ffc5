create or replace function quota.open_running_periods(p_plans text[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  opened quota.quota_key[];
begin
  with inserted as (
    insert into quota.usage_quotas
      (user_id, meter, period_start, period_end, limit_quantity, cost_limit, unit_price, warn_at, on_exceeded,
       granted, alerted)
    select t.user_id, t.meter, t.period_start, t.period_end, t.limit_quantity, t.cost_limit, t.unit_price,
      t.warn_at, t.on_exceeded, t.granted,
      quota.mark_unseen(0, t.limit_quantity + t.granted, 0, t.cost_limit, t.warn_at)
    from quota.subscriptions s
    join quota.plan_limits l on l.plan = s.plan
    cross join lateral quota.quota_terms(s.user_id, l.meter, quota.now(), quota.now()) t
    where s.plan = any (p_plans)
    order by t.user_id, t.meter, t.period_start
    on conflict do nothing
    returning user_id, meter, period_start
  )
  select array_agg((i.user_id, i.meter, i.period_start)::quota.quota_key) into opened from inserted i;
  if opened is not null then
    perform quota.count_opened(opened);
  end if;
end $$;
comment on function quota.open_running_periods(text[]) is
  'Opens the running periods of all subscribers of plans, so that they keep their terms when the plans '
  'change.';
