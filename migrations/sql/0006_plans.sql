-- Plans as data: their versions, and what a changed plan does to running periods.

create function quota.interval_text(every interval) returns text
language sql immutable parallel safe
as $$
  select nullif(concat_ws(' ',
    case
      when i.months = 0 then null
      when i.months % 12 = 0 then i.months / 12 || case when i.months = 12 then ' year' else ' years' end
      else i.months || case when i.months = 1 then ' month' else ' months' end
    end,
    case when i.days <> 0 then i.days || case when i.days = 1 then ' day' else ' days' end end,
    case
      when i.seconds = 0 then null
      when i.seconds % 3600 = 0 then i.seconds / 3600 || case when i.seconds = 3600 then ' hour' else ' hours' end
      when i.seconds % 60 = 0 then i.seconds / 60 || case when i.seconds = 60 then ' minute' else ' minutes' end
      else i.seconds || case when i.seconds = 1 then ' second' else ' seconds' end
    end), '')
  from (select
    (extract(year from every) * 12 + extract(month from every))::integer as months,
    extract(day from every)::integer as days,
    (extract(hour from every) * 3600 + extract(minute from every) * 60 + extract(second from every))::bigint as seconds) i
$$;
comment on function quota.interval_text(interval) is 'The spelling of intervals in plan files: 1 month, 7 days.';

create function quota.plan_definition(p_plan text) returns jsonb
language sql stable
as $$
  select jsonb_build_object(
    'key', p.key, 'service', p.service, 'name', p.name, 'timezone', p.timezone, 'maxAssistants', p.max_assistants,
    'maxFileBytes', p.max_file_bytes::text, 'maxConcurrent', p.max_concurrent,
    'maxSessionSeconds', trim_scale(p.max_session_seconds)::text, 'allowedModels', p.allowed_models,
    'isDefault', p.is_default, 'anonymous', p.anonymous, 'upgradeTo', p.upgrade_to, 'limitedState', p.limited_state,
    'limits', coalesce((
      select jsonb_agg(jsonb_build_object(
        'meter', l.meter, 'limit', trim_scale(l.limit_quantity)::text, 'costLimit', trim_scale(l.cost_limit)::text,
        'unitPrice', trim_scale(l.unit_price)::text, 'resetEvery', quota.interval_text(l.reset_every),
        'resetAnchor', l.reset_anchor, 'boundary', l.boundary, 'warnAt', l.warn_at, 'onExceeded', l.on_exceeded)
        order by l.meter)
      from quota.plan_limits l where l.plan = p.key), '[]'))
  from quota.plans p where p.key = p_plan
$$;
comment on function quota.plan_definition(text) is 'A plan with its limits, as plan show prints it and plan_versions keeps it.';

create table quota.plan_versions (
  plan text not null references quota.plans,
  version integer not null,
  definition jsonb not null,
  reason text,
  actor text not null default quota.actor(),
  applied_at timestamptz not null default quota.now(),
  primary key (plan, version)
);
comment on table quota.plan_versions is 'What a plan was, version by version. Append-only.';
create trigger plan_versions_append_only before update or delete or truncate on quota.plan_versions
  for each statement execute function quota.refuse_change();
insert into quota.plan_versions (plan, version, definition, reason)
select p.key, p.version, quota.plan_definition(p.key), 'as it was when versions began to be kept' from quota.plans p;

create function quota.open_running_periods(p_plans text[]) returns void
language sql security definer set search_path = pg_catalog, pg_temp
as $$
  insert into quota.usage_quotas
    (user_id, meter, period_start, period_end, limit_quantity, cost_limit, unit_price, warn_at, on_exceeded, granted)
  select t.user_id, t.meter, t.period_start, t.period_end, t.limit_quantity, t.cost_limit, t.unit_price, t.warn_at,
    t.on_exceeded, t.granted
  from quota.subscriptions s
  join quota.plan_limits l on l.plan = s.plan
  cross join lateral quota.quota_terms(s.user_id, l.meter, quota.now(), quota.now()) t
  where s.plan = any (p_plans)
  order by t.user_id, t.meter, t.period_start
  on conflict do nothing
$$;
comment on function quota.open_running_periods(text[]) is
  'Opens the running periods of all subscribers of plans, so that they keep their terms when the plans change.';

create function quota.retake_terms(users uuid[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  crossed quota.usage_quotas[];
  freed_users uuid[];
  freed_services text[];
begin
  perform 1 from quota.subscriptions s where s.user_id = any (users) order by s.user_id, s.service for no key update;
  perform 1 from quota.usage_quotas q
  where q.user_id = any (users) and q.closed_at is null and q.period_start <= quota.now() and q.period_end > quota.now()
  order by q.user_id, q.meter, q.period_start for no key update;
  with retaken as (
    update quota.usage_quotas q
    set limit_quantity = t.limit_quantity, cost_limit = t.cost_limit, warn_at = t.warn_at, on_exceeded = t.on_exceeded
    from unnest(users) u(user_id)
    cross join quota.meters m
    cross join lateral quota.quota_terms(u.user_id, m.key, quota.now(), quota.now()) t
    where q.user_id = t.user_id and q.meter = t.meter and q.period_start = t.period_start and q.closed_at is null
      and (q.limit_quantity, q.cost_limit, q.warn_at, q.on_exceeded)
        is distinct from (t.limit_quantity, t.cost_limit, t.warn_at, t.on_exceeded)
    returning q.*
  )
  select array_agg(r::quota.usage_quotas) into crossed
  from retaken r where quota.needs_enforcement(r::quota.usage_quotas);
  if crossed is not null then
    perform quota.enforce(crossed);
  end if;

  -- Who is over an allowance that limits assistants only since now becomes limited; who no longer is gets free.
  select array_agg(s.user_id order by s.user_id, s.service), array_agg(s.service order by s.user_id, s.service)
  into freed_users, freed_services
  from quota.subscriptions s
  where s.user_id = any (users) and s.limit_enforced_at is null and quota.must_be_limited(s.user_id, s.service);
  if freed_users is not null then
    perform quota.mark_limited(freed_users, freed_services, true);
  end if;
  select array_agg(s.user_id order by s.user_id, s.service), array_agg(s.service order by s.user_id, s.service)
  into freed_users, freed_services
  from quota.subscriptions s
  where s.user_id = any (users) and s.limit_enforced_at is not null and not quota.must_be_limited(s.user_id, s.service);
  if freed_users is not null then
    perform quota.mark_limited(freed_users, freed_services, false);
  end if;
end $$;
comment on function quota.retake_terms(uuid[]) is
  'Gives the running periods of users the terms of their plans and custom limits as they are now, and enforces them.';

create function quota.must_be_limited(p_user uuid, p_service text) returns boolean
language sql stable
as $$
  select exists (
    select 1 from quota.usage_quotas q join quota.meters m on m.key = q.meter
    where q.user_id = p_user and m.service = p_service and q.on_exceeded = 'limit_assistants'
      and q.closed_at is null and q.exhausted_at is not null
      and q.period_start <= quota.now() and q.period_end > quota.now())
$$;
comment on function quota.must_be_limited(uuid, text) is 'Whether a running quota that limits assistants is exhausted.';

create function quota.retake_plan_terms(p_plans text[], recount boolean) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  users uuid[];
begin
  select array_agg(distinct s.user_id order by s.user_id) into users from quota.subscriptions s where s.plan = any (p_plans);
  if users is null then
    return 0;
  end if;
  if recount then
    perform 1 from quota.subscriptions s where s.user_id = any (users) order by s.user_id, s.service for no key update;
    -- A reset that is due stays due: it has periods to close.
    update quota.subscriptions s set next_reset_at = quota.next_reset(s.plan, s.anchor_local, s.timezone, quota.now())
    where s.plan = any (p_plans) and (s.next_reset_at is null or s.next_reset_at > quota.now());
    perform quota.refresh_quotas(users);
  end if;
  perform quota.retake_terms(users);
  return cardinality(users);
end $$;
comment on function quota.retake_plan_terms(text[], boolean) is
  'Running periods of all subscribers take the terms that plans have now; recount: their calls are assigned to periods and priced anew. Returns the number of users.';

create function quota.limit_overrides_changed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'DELETE' then
    perform quota.retake_terms(array(select distinct user_id from old_rows));
  elsif tg_op = 'INSERT' then
    perform quota.retake_terms(array(select distinct user_id from new_rows));
  else
    perform quota.retake_terms(array(select user_id from new_rows union select user_id from old_rows));
  end if;
  return null;
end $$;
create trigger limit_overrides_inserted after insert on quota.limit_overrides
  referencing new table as new_rows
  for each statement execute function quota.limit_overrides_changed();
create trigger limit_overrides_updated after update on quota.limit_overrides
  referencing old table as old_rows new table as new_rows
  for each statement execute function quota.limit_overrides_changed();
create trigger limit_overrides_deleted after delete on quota.limit_overrides
  referencing old table as old_rows
  for each statement execute function quota.limit_overrides_changed();

create function quota.change_plan(
  p_users uuid[], p_plan text, p_reason text, p_run uuid default null, p_before jsonb default '{}', p_after jsonb default '{}')
returns setof bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  fresh quota.plans;
begin
  select * into fresh from quota.plans p where p.key = p_plan;
  if not found then
    raise exception 'unknown plan "%"', p_plan using errcode = 'QT002';
  end if;
  perform 1 from quota.subscriptions s
  where s.user_id = any (p_users) and s.service = fresh.service order by s.user_id, s.service for no key update;

  return query
  with zones as (
    -- Where the former plan set the zone, the user's comes back.
    select u.id as user_id, s.plan, s.timezone, s.anchor_local, coalesce(fresh.timezone,
        case when former.timezone is null then s.timezone end, u.timezone) as new_timezone
    from unnest(p_users) w(id)
    join quota.users u on u.id = w.id
    left join quota.subscriptions s on s.user_id = u.id and s.service = fresh.service
    left join quota.plans former on former.key = s.plan
  ), audited as (
    insert into quota.audit_log (action, user_id, service, subject, reason, run_id, before, after)
    select 'plan.changed', z.user_id, fresh.service, fresh.key, p_reason, p_run,
      case when z.plan is not null then jsonb_build_object('plan', z.plan, 'timezone', z.timezone) || p_before end,
      jsonb_build_object('plan', fresh.key, 'timezone', z.new_timezone) || p_after
    from zones z
    order by z.user_id
    returning id
  ), moved as (
    update quota.subscriptions s
    set plan = fresh.key, timezone = z.new_timezone,
      anchor_local = case when z.new_timezone = s.timezone then s.anchor_local
        else (s.anchor_local at time zone s.timezone) at time zone z.new_timezone end
    from zones z
    where s.user_id = z.user_id and s.service = fresh.service
      and (s.plan, s.timezone) is distinct from (fresh.key, z.new_timezone)
  ), subscribed as (
    insert into quota.subscriptions (user_id, service, plan)
    select z.user_id, fresh.service, fresh.key from zones z where z.plan is null order by z.user_id
  )
  select a.id from audited a;
end $$;
comment on function quota.change_plan(uuid[], text, text, uuid, jsonb, jsonb) is
  'Puts users on a plan: its limits hold at once; periods stay as they are unless the plan cuts time otherwise. One audit row per user, whose ids are returned. QT002: no such plan.';

create function quota.move_plan(p_from text, p_to text, p_reason text, p_run uuid, p_moved_by uuid default null) returns bigint
language sql security definer set search_path = pg_catalog, pg_temp
as $$
  select count(*) from quota.change_plan(array(
    select s.user_id from quota.subscriptions s
    where s.plan = p_from and (p_moved_by is null or exists (
      select 1 from quota.audit_log a
      where a.user_id = s.user_id and a.run_id = p_moved_by and a.action = 'plan.changed' and a.subject = p_from))
    order by s.user_id for no key update), p_to, p_reason, p_run)
$$;
comment on function quota.move_plan(text, text, text, uuid, uuid) is
  'Puts all users of a plan on another one, or only those that an earlier move brought there. Returns their number.';
