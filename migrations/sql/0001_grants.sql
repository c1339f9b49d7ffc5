-- Grants are extra allowance: used after the plan's, the earliest to expire first; what is left survives resets.
-- A quota's `granted` follows from the grants at any time; what a closed period took of them is booked at its close.

create function quota.used_before(q quota.usage_quotas, at timestamptz) returns numeric
language sql stable
as $$
  select case when at is null or at >= q.period_end then q.used else least(q.used, coalesce((
      select sum(quota.quantity_of(m.unit, c.status, c.duration_seconds, c.messages))
      from quota.meters m
      join quota.call_logs c on c.user_id = q.user_id and c.service = m.service and (m.models is null or c.model = any (m.models))
      where m.key = q.meter and c.started_at >= q.period_start and c.started_at < at), 0) + coalesce((
      select sum(a.quantity) from quota.adjustments a
      where a.user_id = q.user_id and a.meter = q.meter and a.period_start = q.period_start and a.created_at < at), 0)) end
$$;
comment on function quota.used_before(quota.usage_quotas, timestamptz) is
  'What of the usage of a quota was there before an instant; what was corrected later does not count.';

create function quota.grant_shares(p_user uuid, p_meter text, p_periods timestamptz[])
returns table (id bigint, expires_at timestamptz, share numeric)
language plpgsql stable
as $$
declare
  extra record;
  taken numeric := 0;
begin
  for extra in
    select g.id, g.expires_at, g.quantity - g.consumed as quantity, g.created_at from quota.grants g
    where g.user_id = p_user and g.meter = p_meter and g.consumed < g.quantity
      and (g.expires_at is null or g.expires_at > (select min(s) from unnest(p_periods) s))
    order by g.expires_at nulls last, g.id
  loop
    id := extra.id;
    expires_at := extra.expires_at;
    -- What was used beyond the limit until it expired, less what the earlier ones gave: the rest expired unused.
    select greatest(least(extra.quantity, sum(greatest(quota.used_before(q, extra.expires_at) - q.limit_quantity, 0)) - taken), 0)
    into share
    from quota.usage_quotas q
    where q.user_id = p_user and q.meter = p_meter and q.period_start = any (p_periods) and q.period_end > extra.created_at;
    share := coalesce(share, 0);
    taken := taken + share;
    return next;
  end loop;
end $$;
comment on function quota.grant_shares(uuid, text, timestamptz[]) is
  'What the periods of a user''s meter took of each grant that they could use, the earliest to expire first.';

create function quota.granted_now(p_user uuid, p_meter text, p_period_start timestamptz, p_used numeric, p_limit numeric)
returns numeric
language sql stable
as $$
  -- What expired within the period still covers what was used of it before.
  select coalesce(sum(g.quantity - g.consumed) filter (where g.expires_at is null or g.expires_at > quota.now()), 0)
    + case when bool_or(g.expires_at <= quota.now()) then least(greatest(p_used - p_limit, 0), (
        select coalesce(sum(s.share), 0) from quota.grant_shares(p_user, p_meter, array[p_period_start]) s
        where s.expires_at <= quota.now())) else 0 end
  from quota.grants g
  where g.user_id = p_user and g.meter = p_meter and (g.expires_at is null or g.expires_at > p_period_start)
$$;
comment on function quota.granted_now(uuid, text, timestamptz, numeric, numeric) is
  'The extra allowance of a quota of the running period that has used so much of its limit.';

create function quota.settle_grants(users uuid[], services text[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  crossed quota.usage_quotas[];
begin
  -- Closed periods book what they took, earliest expiry first.
  with taken as (
    select q.user_id, q.meter, q.period_start, least(greatest(q.used - q.limit_quantity, 0), q.granted) as quantity
    from quota.usage_quotas q join quota.meters m on m.key = q.meter
    where q.user_id = any (users) and (q.user_id, m.service) in (select * from unnest(users, services))
      and q.closed_at is not null and q.granted > 0 and q.granted_used is null
  ), booked as (
    update quota.usage_quotas q set granted_used = t.quantity
    from taken t
    where q.user_id = t.user_id and q.meter = t.meter and q.period_start = t.period_start
    returning q.user_id, q.meter, q.period_start
  ), shares as (
    select p.user_id, s.id, s.share
    from (select user_id, meter, array_agg(period_start) as periods from booked group by user_id, meter) p
    cross join lateral quota.grant_shares(p.user_id, p.meter, p.periods) s
  )
  update quota.grants g set consumed = g.consumed + s.share
  from shares s where g.user_id = s.user_id and g.id = s.id and s.share > 0;

  with refreshed as (
    update quota.usage_quotas q
    set granted = quota.granted_now(q.user_id, q.meter, q.period_start, q.used, q.limit_quantity)
    from quota.meters m
    where q.user_id = any (users) and m.key = q.meter and (q.user_id, m.service) in (select * from unnest(users, services))
      and q.closed_at is null and q.period_start <= quota.now() and q.period_end > quota.now()
      and q.granted is distinct from quota.granted_now(q.user_id, q.meter, q.period_start, q.used, q.limit_quantity)
    returning q.*
  )
  select array_agg(r::quota.usage_quotas) into crossed
  from refreshed r where quota.needs_enforcement(r::quota.usage_quotas);
  if crossed is not null then
    perform quota.enforce(crossed);
  end if;
end $$;
comment on function quota.settle_grants(uuid[], text[]) is
  'Books what closed periods took of grants and brings the running quotas of (user, service) pairs in line with their grants; for resets, new grants and expired ones. The caller holds the subscriptions.';

create function quota.grants_inserted() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  users uuid[];
  services text[];
begin
  select array_agg(p.user_id), array_agg(p.service) into users, services
  from (
    select distinct n.user_id, m.service from new_rows n join quota.meters m on m.key = n.meter order by 1, 2) p;
  if users is not null then
    -- The running quotas have to be there to take the grants.
    perform quota.open_running(users, services);
    perform quota.settle_grants(users, services);
  end if;
  return null;
end $$;

create trigger grants_inserted after insert on quota.grants
  referencing new table as new_rows
  for each statement execute function quota.grants_inserted();

create function quota.open_running(users uuid[], services text[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform quota.lock_subscriptions(users, services);
  insert into quota.usage_quotas
    (user_id, meter, period_start, period_end, limit_quantity, cost_limit, unit_price, warn_at, on_exceeded, granted)
  select t.user_id, t.meter, t.period_start, t.period_end, t.limit_quantity, t.cost_limit, t.unit_price, t.warn_at,
    t.on_exceeded, t.granted
  from unnest(users, services) u(user_id, service)
  join quota.meters m on m.service = u.service
  cross join lateral quota.quota_terms(u.user_id, m.key, quota.now(), quota.now()) t
  on conflict do nothing;
end $$;
comment on function quota.open_running(uuid[], text[]) is
  'Locks the subscriptions of (user, service) pairs, which are made if need be, and opens their running quotas.';

create function quota.lock_allowance(p_user uuid, p_service text) returns void
language sql security definer set search_path = pg_catalog, pg_temp
as $$ select quota.open_running(array[p_user], array[p_service]) $$;
comment on function quota.lock_allowance(uuid, text) is
  'Opens and locks the running quotas of a user''s service, so that changes to its allowance are made one after another.';
