create or replace function quota.retake_terms(users uuid[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  crossed quota.usage_quotas[];
  their_users uuid[];
  their_services text[];
begin
  perform quota.hold_subscriptions(users);
  perform quota.take_terms_ahead(users);
  perform 1 from quota.usage_quotas q
  where q.user_id = any (users) and q.closed_at is null and quota.contains(q, quota.now())
  order by q.user_id, q.meter, q.period_start for no key update;
  with retaken as (
    update quota.usage_quotas q
    set limit_quantity = t.limit_quantity, cost_limit = t.cost_limit, warn_at = t.warn_at,
      on_exceeded = t.on_exceeded,
      alerted = case when q.warn_at = t.warn_at and not quota.is_raised(
        q.limit_quantity, q.cost_limit, t.limit_quantity, t.cost_limit) then q.alerted end,
      lowered_at = case when quota.is_raised(t.limit_quantity, t.cost_limit, q.limit_quantity, q.cost_limit)
        then quota.now() else q.lowered_at end
    from unnest(users) u(user_id)
    cross join quota.meters m
    cross join lateral quota.quota_terms(u.user_id, m.key, quota.now(), quota.now()) t
    where q.user_id = t.user_id and q.meter = t.meter and q.period_start = t.period_start
      and q.closed_at is null
      and (q.limit_quantity, q.cost_limit, q.warn_at, q.on_exceeded)
        is distinct from (t.limit_quantity, t.cost_limit, t.warn_at, t.on_exceeded)
    returning q.*
  )
  select array_agg(r::quota.usage_quotas) into crossed
  from retaken r where quota.marks_differ(r::quota.usage_quotas);
  if crossed is not null then
    perform quota.settle_crossed(crossed);
  end if;

  -- Who is over an allowance that limits assistants only since now becomes limited; who no longer is gets
  -- free.
  select array_agg(s.user_id order by s.user_id, s.service),
    array_agg(s.service order by s.user_id, s.service)
  into their_users, their_services
  from quota.subscriptions s
  where s.user_id = any (users) and s.limit_enforced_at is null
    and quota.must_be_limited(s.user_id, s.service) and not quota.in_shadow(s.service);
  if their_users is not null then
    perform quota.mark_limited(their_users, their_services, true);
  end if;
  select array_agg(s.user_id), array_agg(s.service) into their_users, their_services
  from quota.subscriptions s
  where s.user_id = any (users);
  perform quota.lift_spent_limits(their_users, their_services);
end $$;
comment on function quota.retake_terms(uuid[]) is
  'Gives the running periods of users the terms of their plans and custom limits as they are now, and '
  'enforces them.';
