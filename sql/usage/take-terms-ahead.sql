create or replace function quota.take_terms_ahead(users uuid[]) returns void
language sql security definer set search_path = pg_catalog, pg_temp
as $$
  update quota.usage_quotas q
  set limit_quantity = t.limit_quantity, cost_limit = t.cost_limit, unit_price = t.unit_price,
    warn_at = t.warn_at, on_exceeded = t.on_exceeded,
    -- To be looked at: nothing is enforced before it begins.
    alerted = null
  from quota.usage_quotas ahead
  cross join lateral quota.quota_terms(ahead.user_id, ahead.meter, ahead.period_start, ahead.period_start) t
  where ahead.user_id = any (users) and ahead.period_start > quota.now() and not ahead.superseded
    and t.period_start = ahead.period_start
    and q.user_id = ahead.user_id and q.meter = ahead.meter and q.period_start = ahead.period_start
    and (q.limit_quantity, q.cost_limit, q.unit_price, q.warn_at, q.on_exceeded)
      is distinct from (t.limit_quantity, t.cost_limit, t.unit_price, t.warn_at, t.on_exceeded)
$$;
comment on function quota.take_terms_ahead(uuid[]) is
  'Gives the periods of users that were opened before they began the terms that hold now: whatever '
  'changes terms changes those of all periods to come.';
