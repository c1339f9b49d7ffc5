create or replace function quota.hold_meters(p_meters text[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  users uuid[];
  services text[];
begin
  select s.users, s.services into users, services from quota.subscribed_to(p_meters) s;
  if users is not null then
    perform quota.hold_subscriptions(users, services);
  end if;
end $$;
comment on function quota.hold_meters(text[]) is
  'Keeps what meters count as it is until the transaction ends, whoever calls meanwhile.';

create or replace function quota.recount_meters(p_meters text[]) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  users uuid[];
  services text[];
begin
  select s.users, s.services into users, services from quota.subscribed_to(p_meters) s;
  if users is null then
    return 0;
  end if;
  -- Open everywhere: whoever counts by what a meter was a moment ago finds more, or less, than was looked at.
  insert into quota.usage_quotas
    (user_id, meter, period_start, period_end, limit_quantity, cost_limit, unit_price, warn_at, on_exceeded,
     granted, alerted)
  select t.user_id, t.meter, t.period_start, t.period_end, t.limit_quantity, t.cost_limit, t.unit_price,
    t.warn_at, t.on_exceeded, t.granted,
    quota.mark_unseen(0, t.limit_quantity + t.granted, 0, t.cost_limit, t.warn_at)
  from quota.meters m
  join quota.plan_limits l on l.meter = m.key
  join quota.subscriptions s on s.plan = l.plan and s.service = m.service
  cross join lateral quota.quota_terms(s.user_id, m.key, quota.now(), quota.now()) t
  where m.key = any (p_meters)
  order by t.user_id, t.meter, t.period_start
  on conflict do nothing;
  perform quota.refresh_quotas(users, services, false);
  -- What an operator had reset is nothing also where less is counted now than was taken off.
  insert into quota.adjustments (user_id, meter, period_start, kind, quantity, cost, reason, created_at)
  select q.user_id, q.meter, q.period_start, 'reset_carried', -least(s.quantity, 0), -least(s.cost, 0),
    'carried over: ' || r.reason, r.created_at
  from quota.usage_quotas q
  cross join lateral quota.last_manual_reset(q) r
  cross join lateral quota.sums_until(q, r.created_at) s
  where q.meter = any (p_meters) and q.period_end > quota.now() and not q.superseded
    and (s.quantity < 0 or s.cost < 0)
  order by q.user_id, q.meter, q.period_start;
  return cardinality(users);
end $$;
comment on function quota.recount_meters(text[]) is
  'Counts the running periods of meters by what these are now, opens those that are not open, and enforces '
  'them. The caller holds the meters. Returns the number of users.';
