create or replace function quota.refresh_quotas(users uuid[], services text[] default null, new_terms boolean default true) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  crossed quota.usage_quotas[];
  past_users uuid[];
  past_services text[];
  past_ends timestamptz[];
  freed_users uuid[];
  freed_services text[];
begin
  select array_agg(l.user_id), array_agg(l.service) into users, services
  from (
    select s.user_id, s.service from quota.subscriptions s
    where s.user_id = any (users)
      and (services is null or (s.user_id, s.service) in (select * from unnest(users, services)))
    order by s.user_id, s.service for no key update
  ) l;
  if users is null then
    return;
  end if;

  -- Open periods that the present plan, anchor and zone would not have cut this way are over; those of a plan
  -- that came back live again.
  update quota.usage_quotas q
  set closed_at = quota.now(), used_at_close = q.used, superseded = true
  from unnest(users, services) u(user_id, service) join quota.meters m on m.service = u.service
  where new_terms and q.user_id = u.user_id and q.meter = m.key and q.closed_at is null and not quota.fits_subscription(q);
  update quota.usage_quotas q
  set superseded = false,
    closed_at = case when q.period_end <= s.last_reset_at then q.closed_at end,
    used_at_close = case when q.period_end <= s.last_reset_at then q.used_at_close end
  from unnest(users, services) u(user_id, service)
  join quota.meters m on m.service = u.service
  join quota.subscriptions s on s.user_id = u.user_id and s.service = u.service
  where new_terms and q.user_id = u.user_id and q.meter = m.key and q.superseded and quota.fits_subscription(q);

  insert into quota.usage_quotas
    (user_id, meter, period_start, period_end, limit_quantity, cost_limit, unit_price, warn_at, on_exceeded, granted,
     closed_at, used_at_close)
  select t.user_id, t.meter, t.period_start, t.period_end, t.limit_quantity, t.cost_limit, t.unit_price, t.warn_at,
    t.on_exceeded, t.granted, t.closed_at, t.used_at_close
  from (
    select c.user_id, m.key as meter, min(c.started_at) as first, max(c.started_at) as last
    from unnest(users, services) u(user_id, service)
    join quota.call_logs c on c.user_id = u.user_id and c.service = u.service
    join quota.meters m on m.service = c.service and (m.models is null or c.model = any (m.models))
    group by c.user_id, m.key
  ) span
  cross join lateral quota.quota_terms(span.user_id, span.meter, span.first, span.last) t
  where exists (
    select 1 from quota.call_logs c join quota.meters m on m.service = c.service
    where c.user_id = t.user_id and m.key = t.meter and (m.models is null or c.model = any (m.models))
      and c.started_at >= t.period_start and c.started_at < t.period_end)
  order by t.user_id, t.meter, t.period_start
  on conflict (user_id, meter, period_start) do update
    set period_end = excluded.period_end, superseded = false, closed_at = excluded.closed_at,
      used_at_close = excluded.used_at_close, limit_quantity = excluded.limit_quantity,
      cost_limit = excluded.cost_limit, unit_price = excluded.unit_price, warn_at = excluded.warn_at,
      on_exceeded = excluded.on_exceeded
    where usage_quotas.superseded;

  select array_agg(q.user_id), array_agg(m.service), array_agg(q.period_end) into past_users, past_services, past_ends
  from unnest(users, services) u(user_id, service)
  join quota.meters m on m.service = u.service
  join quota.usage_quotas q on q.user_id = u.user_id and q.meter = m.key
  where q.closed_at is null and q.period_end <= quota.now();
  if past_users is not null then
    perform quota.make_due(past_users, past_services, past_ends);
  end if;

  -- The running period takes the terms of the present plan at once.
  update quota.usage_quotas q
  set limit_quantity = t.limit_quantity, cost_limit = t.cost_limit, unit_price = t.unit_price, warn_at = t.warn_at,
    on_exceeded = t.on_exceeded
  from unnest(users, services) u(user_id, service)
  join quota.meters m on m.service = u.service
  cross join lateral quota.quota_terms(u.user_id, m.key, quota.now(), quota.now()) t
  where new_terms and q.user_id = t.user_id and q.meter = t.meter and q.period_start = t.period_start
    and q.closed_at is null;

  perform 1 from quota.assistant_limits l
  where l.user_id = any (users) order by l.assistant_id for no key update;
  with recounted as (
    update quota.usage_quotas q set used = f.used, adjusted = f.adjusted, cost = f.cost, calls = f.calls
    from quota.usage_from_facts(users) f
    join quota.meters m on m.key = f.meter
    where q.user_id = f.user_id and q.meter = f.meter and q.period_start = f.period_start
      and (f.user_id, m.service) in (select * from unnest(users, services))
    returning q.*
  )
  select array_agg(r::quota.usage_quotas) into crossed
  from recounted r where quota.needs_enforcement(r::quota.usage_quotas);
  if crossed is not null then
    perform quota.enforce(crossed);
  end if;

  perform quota.settle_if_granted(users, services);

  -- A limit whose quota is over, or gone with the former plan, is lifted.
  select array_agg(s.user_id order by s.user_id, s.service), array_agg(s.service order by s.user_id, s.service)
  into freed_users, freed_services
  from unnest(users, services) u(user_id, service)
  join quota.subscriptions s using (user_id, service)
  where s.limit_enforced_at is not null and not exists (
    select 1 from quota.usage_quotas q join quota.meters m on m.key = q.meter
    where q.user_id = s.user_id and m.service = s.service and q.on_exceeded = 'limit_assistants'
      and q.closed_at is null and q.exhausted_at is not null
      and q.period_start <= quota.now() and q.period_end > quota.now());
  if freed_users is not null then
    perform quota.mark_limited(freed_users, freed_services, false);
  end if;
end $$;
comment on function quota.refresh_quotas(uuid[], text[], boolean) is
  'Brings the quotas of (user, service) pairs, or of all services of users, in line with their subscriptions and their facts: after a new subscription, plan, anchor or zone. Without new_terms running periods keep theirs, and only what is missing is opened and counted.';
