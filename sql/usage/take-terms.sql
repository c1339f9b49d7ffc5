create or replace function quota.take_terms(users uuid[], services text[]) returns void
language sql security definer set search_path = pg_catalog, pg_temp
as $$
  update quota.usage_quotas q
  set limit_quantity = t.limit_quantity, cost_limit = t.cost_limit, unit_price = t.unit_price,
    warn_at = t.warn_at, on_exceeded = t.on_exceeded,
    alerted = case when q.warn_at = t.warn_at and not quota.is_raised(
      q.limit_quantity, q.cost_limit, t.limit_quantity, t.cost_limit) then q.alerted end,
    lowered_at = case when quota.is_raised(t.limit_quantity, t.cost_limit, q.limit_quantity, q.cost_limit)
      then quota.now() else q.lowered_at end
  from unnest(users, services) u(user_id, service)
  join quota.meters m on m.service = u.service
  cross join lateral quota.quota_terms(u.user_id, m.key, quota.now(), quota.now()) t
  where q.user_id = t.user_id and q.meter = t.meter and q.period_start = t.period_start
    and q.closed_at is null
$$;
comment on function quota.take_terms(uuid[], text[]) is
  'Gives the running periods of (user, service) pairs the terms of their present plan. For refresh_quotas, '
  'which counts and enforces afterwards.';
