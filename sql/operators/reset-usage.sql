create or replace function quota.reset_usage(
  p_user text, p_reason text, p_service text default null, p_meter text default null,
  p_actor text default null)
returns table (service text, meter text, used_before numeric, used_after numeric, audit_id bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  former_actor text := quota.begin_act(p_reason, p_actor);
  owner uuid := quota.resolve_user(p_user);
  chosen text[];
  before jsonb;
  freed text[];
  audit bigint;
begin
  perform quota.hold_subscriptions(array[owner]);
  select array_agg(c.meter), jsonb_agg(jsonb_build_object('meter', c.meter, 'service', c.service, 'used',
    c.used::text, 'cost', c.cost::text) order by c.service, c.meter)
  into chosen, before
  from quota.current_quotas(owner) c
  where (p_service is null or c.service = p_service) and (p_meter is null or c.meter = p_meter);
  if chosen is null and (p_service is not null or p_meter is not null) then
    raise exception 'the user has no %', quota.shown(concat_ws(' of ', p_meter, p_service))
      using errcode = 'QT003';
  end if;
  perform quota.reset_meters(owner, chosen, p_reason);
  freed := quota.lift_reset_limits(owner, chosen);
  if freed is not null or exists (
    select from jsonb_to_recordset(before) b(used numeric, cost numeric) where b.used > 0 or b.cost > 0)
  then
    insert into quota.audit_log (action, user_id, service, subject, reason, before, after)
    values ('usage.reset', owner, p_service, array_to_string(chosen, ', '), p_reason,
      jsonb_build_object('meters', before, 'limited', coalesce(to_jsonb(freed), '[]')),
      jsonb_build_object('meters', (
        select jsonb_agg(jsonb_build_object('meter', c.meter, 'used', c.used::text, 'cost', c.cost::text)
          order by c.service, c.meter)
        from quota.current_quotas(owner) c where c.meter = any (chosen))))
    returning id into audit;
  end if;
  perform set_config('quota.actor', former_actor, true);
  return query
  select b.service, b.meter, b.used, c.used, audit
  from jsonb_to_recordset(before) b(service text, meter text, used numeric)
  join quota.current_quotas(owner) c on c.meter = b.meter
  order by 1, 2;
end $$;
comment on function quota.reset_usage(text, text, text, text, text) is
  'Sets what a user has used of the running periods back to nothing by correcting entries, from the back '
  'office of an app, and lifts the limits that came of it; all meters, or those of a service, or one. '
  'Audited with the reason and who acted. One row per meter; audit_id null: there was nothing to reset.';
