-- A subscription knows its anchor, its zone and its next reset; a quota row knows the terms of its period.

create function quota.next_reset(plan_key text, anchor_local timestamp, tz text, at timestamptz) returns timestamptz
language sql stable
as $$
  select min(upper(quota.period_at(
    quota.limit_anchor(l.reset_anchor, l.boundary, anchor_local), l.reset_every, tz, at)))
  from quota.plan_limits l
  where l.plan = plan_key and l.reset_every is not null
$$;
comment on function quota.next_reset(text, timestamp, text, timestamptz) is
  'When the first of a plan''s periods that contain an instant ends; null for lifetime plans.';

create function quota.subscriptions_before_write() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  plan quota.plans;
  owner quota.users;
begin
  select * into plan from quota.plans p where p.key = new.plan;
  if plan.service is distinct from new.service then
    raise exception 'plan "%" is not a plan of the service "%"', new.plan, new.service using errcode = '23514';
  end if;
  if new.timezone is null or new.anchor_local is null then
    select * into owner from quota.users u where u.id = new.user_id;
    new.timezone := coalesce(new.timezone, plan.timezone, owner.timezone);
    new.anchor_local := coalesce(new.anchor_local, owner.created_at at time zone new.timezone);
  end if;
  if tg_op = 'INSERT' and new.last_reset_at is null then
    -- A subscription made anew remembers the resets of the one before it: no period is reset twice.
    select max(a.period_end) into new.last_reset_at from quota.audit_log a
    where a.user_id = new.user_id and a.service = new.service and a.action = 'subscription.reset';
  end if;
  if new.next_reset_at is null
    or (tg_op = 'UPDATE' and (new.plan, new.anchor_local, new.timezone) is distinct from (old.plan, old.anchor_local, old.timezone))
  then
    new.next_reset_at := quota.next_reset(new.plan, new.anchor_local, new.timezone, greatest(quota.now(), new.last_reset_at));
    -- A reset that is due stays due: it has periods to close and limits to lift.
    if tg_op = 'UPDATE' and old.next_reset_at <= quota.now() and new.next_reset_at is not null then
      new.next_reset_at := old.next_reset_at;
    end if;
  end if;
  return new;
end $$;

create trigger subscriptions_before_write before insert or update of plan, anchor_local, timezone on quota.subscriptions
  for each row execute function quota.subscriptions_before_write();

create function quota.subscriptions_after_insert() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  users uuid[];
  services text[];
begin
  if current_setting('quota.counting', true) = 'on' then
    return null; -- Whoever makes these subscriptions counts their calls, once all locks are held.
  end if;
  -- Calls that were logged before there was a plan count from here on.
  select array_agg(s.user_id), array_agg(s.service) into users, services
  from subscribed s
  where exists (select 1 from quota.call_logs l where l.user_id = s.user_id and l.service = s.service);
  perform quota.refresh_quotas(users, services);
  return null;
end $$;

create trigger subscriptions_after_insert after insert on quota.subscriptions
  referencing new table as subscribed
  for each statement execute function quota.subscriptions_after_insert();

create function quota.subscriptions_after_update() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  users uuid[];
  services text[];
begin
  -- Resets and limit marks update subscriptions by the hundred thousand; only changed terms reopen quotas.
  select array_agg(s.user_id), array_agg(s.service) into users, services
  from subscribed s join replaced r using (user_id, service)
  where (s.plan, s.anchor_local, s.timezone) is distinct from (r.plan, r.anchor_local, r.timezone);
  perform quota.refresh_quotas(users, services);
  return null;
end $$;

create trigger subscriptions_after_update after update on quota.subscriptions
  referencing old table as replaced new table as subscribed
  for each statement execute function quota.subscriptions_after_update();

create function quota.percent_used(used numeric, allowance numeric, cost numeric, cost_limit numeric) returns numeric
language sql immutable parallel safe
as $$
  -- The nearer of the two limits counts. A limit of nothing is always used up.
  select round(greatest(
    case when allowance = 0 then 100 else 100 * used / allowance end,
    case when cost_limit = 0 then 100 else 100 * cost / cost_limit end), 2)
$$;
comment on function quota.percent_used(numeric, numeric, numeric, numeric) is
  'Percent of the allowance or of the cost limit, whichever is more; null where there is no limit.';

create function quota.is_exhausted(used numeric, allowance numeric, cost numeric, cost_limit numeric) returns boolean
language sql immutable parallel safe
as $$ select coalesce(used >= allowance, false) or coalesce(cost >= cost_limit, false) $$;
comment on function quota.is_exhausted(numeric, numeric, numeric, numeric) is
  'Whether nothing is left: the allowance or the cost limit is reached.';

create function quota.alert_level(threshold integer, warn_at integer[]) returns text
language sql immutable parallel safe
as $$
  select case
    when threshold >= 100 then 'exceeded'
    when threshold = (select min(w) from unnest(warn_at) w) then 'warning'
    else 'critical'
  end
$$;
comment on function quota.alert_level(integer, integer[]) is
  'The first threshold below 100 % is a warning, any further one critical, 100 % exceeded.';

create function quota.quota_state(percent numeric, exhausted boolean, warn_at integer[]) returns text
language sql immutable parallel safe
as $$
  select case
    when exhausted then 'exceeded'
    else (
      select case when max(w) is null then 'ok' else quota.alert_level(max(w), warn_at) end
      from unnest(warn_at) w where w <= percent and w < 100)
  end
$$;
comment on function quota.quota_state(numeric, boolean, integer[]) is 'ok, warning, critical or exceeded.';

create view quota.user_limits with (security_invoker = true) as
select s.user_id, s.service, s.plan, s.anchor_local, s.timezone, s.last_reset_at, l.meter,
  coalesce(o.limit_quantity, l.limit_quantity) as limit_quantity, coalesce(o.cost_limit, l.cost_limit) as cost_limit,
  l.unit_price, l.reset_every, l.reset_anchor, l.boundary, l.warn_at, l.on_exceeded
from quota.subscriptions s
join quota.plan_limits l on l.plan = s.plan
left join quota.limit_overrides o on o.user_id = s.user_id and o.plan = s.plan and o.meter = l.meter;
comment on view quota.user_limits is 'The limits of each user''s plans, with the custom ones in place of the plan''s.';

create function quota.quota_terms(p_user uuid, p_meter text, p_first timestamptz, p_last timestamptz)
returns table (
  user_id uuid, meter text, period_start timestamptz, period_end timestamptz, limit_quantity numeric, cost_limit numeric,
  unit_price numeric, warn_at integer[], on_exceeded text, granted numeric, closed_at timestamptz, used_at_close numeric)
language sql stable
as $$
  select l.user_id, l.meter, lower(p.period), upper(p.period), l.limit_quantity, l.cost_limit, l.unit_price, l.warn_at,
    l.on_exceeded,
    case when p.period @> quota.now() then quota.granted_now(l.user_id, l.meter, lower(p.period), 0, l.limit_quantity) else 0 end,
    case when upper(p.period) <= l.last_reset_at then quota.now() end,
    case when upper(p.period) <= l.last_reset_at then 0::numeric end
  from quota.meters m
  join quota.user_limits l on l.service = m.service and l.meter = m.key
  cross join lateral quota.periods_between(
    quota.limit_anchor(l.reset_anchor, l.boundary, l.anchor_local), l.reset_every, l.timezone, p_first, p_last) p(period)
  where m.key = p_meter and l.user_id = p_user
$$;
comment on function quota.quota_terms(uuid, text, timestamptz, timestamptz) is
  'The quota rows, not opened yet, of a user''s meter for the periods between two instants. A period that a reset already passed over starts closed, with nothing used at its close.';

create function quota.current_quotas(p_user uuid)
returns table (
  user_id uuid, service text, plan text, meter text, unit text, period_start timestamptz, period_end timestamptz,
  limit_quantity numeric, cost_limit numeric, unit_price numeric, warn_at integer[], on_exceeded text, used numeric,
  adjusted numeric, granted numeric, cost numeric, calls integer, exhausted_at timestamptz, percent numeric, state text)
language sql stable
as $$
  select c.user_id, c.service, c.plan, c.meter, c.unit, c.period_start, c.period_end, c.limit_quantity, c.cost_limit,
    c.unit_price, c.warn_at, c.on_exceeded, c.used, c.adjusted, c.granted, c.cost, c.calls, c.exhausted_at, c.percent,
    quota.quota_state(
      c.percent, quota.is_exhausted(c.used, c.limit_quantity + c.granted, c.cost, c.cost_limit), c.warn_at)
  from (
    select l.user_id, l.service, l.plan, m.key as meter, m.unit, lower(p.period) as period_start,
      upper(p.period) as period_end,
      case when q.user_id is null then l.limit_quantity else q.limit_quantity end as limit_quantity,
      case when q.user_id is null then l.cost_limit else q.cost_limit end as cost_limit,
      case when q.user_id is null then l.unit_price else q.unit_price end as unit_price,
      coalesce(q.warn_at, l.warn_at) as warn_at, coalesce(q.on_exceeded, l.on_exceeded) as on_exceeded,
      coalesce(q.used, 0) as used, coalesce(q.adjusted, 0) as adjusted, coalesce(q.granted, 0) as granted,
      coalesce(q.cost, 0) as cost, coalesce(q.calls, 0) as calls, q.exhausted_at,
      quota.percent_used(
        coalesce(q.used, 0),
        case when q.user_id is null then l.limit_quantity else q.limit_quantity end + coalesce(q.granted, 0),
        coalesce(q.cost, 0),
        case when q.user_id is null then l.cost_limit else q.cost_limit end) as percent
    from quota.user_limits l
    join quota.meters m on m.key = l.meter
    cross join lateral quota.period_at(
      quota.limit_anchor(l.reset_anchor, l.boundary, l.anchor_local), l.reset_every, l.timezone, quota.now()) p(period)
    left join quota.usage_quotas q on q.user_id = l.user_id and q.meter = l.meter and q.period_start = lower(p.period)
      and not q.superseded
    where l.user_id = p_user
  ) c
$$;
comment on function quota.current_quotas(uuid) is
  'What a user has used of each meter in the period that contains quota.now(), opened or not.';
