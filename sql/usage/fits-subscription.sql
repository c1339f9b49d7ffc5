create or replace function quota.fits_subscription(q quota.usage_quotas) returns boolean
language sql stable
as $$
  select exists (
    select 1
    from quota.meters m
    join quota.subscriptions s on s.user_id = q.user_id and s.service = m.service
    join quota.plan_limits l on l.plan = s.plan and l.meter = m.key
    where m.key = q.meter
      and tstzrange(q.period_start, q.period_end, '[)') = quota.period_at(
        quota.limit_anchor(l.reset_anchor, l.boundary, s.anchor_local), l.reset_every, s.timezone,
        case when isfinite(q.period_start) then q.period_start else quota.now() end))
$$;
comment on function quota.fits_subscription(quota.usage_quotas) is
  'Whether the user''s present plan, anchor and zone cut time into this very period.';
