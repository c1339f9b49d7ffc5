create or replace function quota.fit_periods(users uuid[], services text[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  update quota.usage_quotas q
  set closed_at = quota.now(), used_at_close = q.used, superseded = true
  from unnest(users, services) u(user_id, service)
  join quota.meters m on m.service = u.service
  where q.user_id = u.user_id and q.meter = m.key and q.closed_at is null and not quota.fits_subscription(q);

  update quota.usage_quotas q
  set superseded = false, lowered_at = quota.now(),
    closed_at = case when q.period_end <= s.last_reset_at then q.closed_at end,
    used_at_close = case when q.period_end <= s.last_reset_at then q.used_at_close end
  from unnest(users, services) u(user_id, service)
  join quota.meters m on m.service = u.service
  join quota.subscriptions s on s.user_id = u.user_id and s.service = u.service
  where q.user_id = u.user_id and q.meter = m.key and q.superseded and quota.fits_subscription(q);
end $$;
comment on function quota.fit_periods(uuid[], text[]) is
  'Ends the open periods of (user, service) pairs that their present plan, anchor and zone would not have '
  'cut this way; those of a plan that came back live again. For refresh_quotas.';
