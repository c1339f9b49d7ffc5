create or replace function quota.keep_resets(users uuid[], services text[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  -- In each period that holds: what was used before the last manual reset within it is nothing, and what it
  -- cost. The correction is dated like that reset, and is one of the facts like it (R1). It gives nothing
  -- where more was taken back of before the reset than was told late.
  insert into quota.adjustments (user_id, meter, period_start, kind, quantity, cost, reason, created_at)
  select q.user_id, q.meter, q.period_start, 'reset_carried', -greatest(left_over.quantity, 0),
    -greatest(left_over.cost, 0), 'carried over: ' || last.reason, last.created_at
  from unnest(users, services) u(user_id, service)
  join quota.meters m on m.service = u.service
  join quota.usage_quotas q on q.user_id = u.user_id and q.meter = m.key and not q.superseded
  cross join lateral quota.last_manual_reset(q) last
  cross join lateral quota.usage_until(q, last.created_at) left_over
  where left_over.quantity > 0 or left_over.cost > 0
  order by q.user_id, q.meter, q.period_start;
end $$;
comment on function quota.keep_resets(uuid[], text[]) is
  'Keeps what a manual reset took off taken off, however time was cut anew since, and whatever of '
  'before it is told later. The caller holds the subscriptions.';
