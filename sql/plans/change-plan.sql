create or replace function quota.change_plan(
  p_users uuid[], p_plan text, p_reason text, p_run uuid default null, p_before jsonb default '{}',
  p_after jsonb default '{}')
returns setof bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  fresh quota.plans;
begin
  perform quota.refuse_other_users(p_users);
  select * into fresh from quota.plans p where p.key = p_plan;
  if not found then
    raise exception 'unknown plan "%"', quota.shown(p_plan) using errcode = 'QT002';
  end if;
  perform quota.hold_subscriptions(p_users, array_fill(fresh.service, array[cardinality(p_users)]));

  return query
  with zones as (
    -- Where the former plan set the zone, or the server does not know it any more, the user's comes back.
    select u.id as user_id, u.created_at, s.plan, s.timezone, s.anchor_local, coalesce(fresh.timezone,
        case when former.timezone is null and (s.timezone = u.timezone or quota.is_known_zone(s.timezone))
          then s.timezone end, u.timezone) as new_timezone
    from unnest(p_users) w(id)
    join quota.users u on u.id = w.id
    left join quota.subscriptions s on s.user_id = u.id and s.service = fresh.service
    left join quota.plans former on former.key = s.plan
  ), audited as (
    insert into quota.audit_log (action, user_id, service, subject, reason, run_id, before, after)
    select 'plan.changed', z.user_id, fresh.service, fresh.key, p_reason, p_run,
      case when z.plan is not null
        then jsonb_build_object('plan', z.plan, 'timezone', z.timezone) || p_before end,
      jsonb_build_object('plan', fresh.key, 'timezone', z.new_timezone) || p_after
    from zones z
    order by z.user_id
    returning id
  ), moved as (
    update quota.subscriptions s
    set plan = fresh.key, timezone = z.new_timezone,
      anchor_local = quota.moved_anchor(s.anchor_local, s.timezone, z.new_timezone, z.created_at)
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
  'Puts users on a plan: its limits hold at once; periods stay as they are unless the plan cuts time '
  'otherwise. One audit row per user, whose ids are returned. QT002: no such plan.';
