create or replace function quota.reset_meters(p_user uuid, p_meters text[], p_reason text) returns void
language plpgsql
as $$
declare
  closed text;
begin
  select c.meter into closed
  from quota.current_quotas(p_user) c
  join quota.usage_quotas q on q.user_id = c.user_id and q.meter = c.meter and q.period_start = c.period_start
  where c.meter = any (p_meters) and (c.used > 0 or c.cost > 0) and q.closed_at is not null
  limit 1;
  if closed is not null then
    raise exception 'the period of % is closed: a reset has gone past it', closed using errcode = 'QT005';
  end if;
  insert into quota.adjustments (user_id, meter, period_start, kind, quantity, cost, reason)
  select c.user_id, c.meter, c.period_start, 'reset', -greatest(c.used, 0), -greatest(c.cost, 0), p_reason
  from quota.current_quotas(p_user) c
  where c.meter = any (p_meters) and (c.used > 0 or c.cost > 0)
  order by c.meter;
end $$;
comment on function quota.reset_meters(uuid, text[], text) is
  'Takes what is used of these meters, and its cost, off their running periods. QT005: one is closed.';
