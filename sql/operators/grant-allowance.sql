create or replace function quota.grant_allowance(
  p_user text, p_meter text, p_quantity numeric, p_reason text, p_expires_at timestamptz default null,
  p_actor text default null, out grant_id bigint, out granted numeric, out remaining numeric,
  out audit_id bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  former_actor text := quota.begin_act(p_reason, p_actor);
  owner uuid := quota.resolve_user(p_user);
  meter quota.meters;
begin
  select * into meter from quota.meters m where m.key = p_meter;
  if not found then
    raise exception 'unknown meter "%"', quota.shown(p_meter) using errcode = 'QT003';
  elsif p_quantity is null or p_quantity <= 0 or p_quantity > 99999999999
    or p_quantity <> round(p_quantity, case when meter.unit in ('second', 'credit') then 3 else 0 end)
  then
    raise exception 'a grant of %s: above zero, whole messages or seconds with milliseconds', meter.unit
      using errcode = 'QT003';
  elsif p_expires_at <= quota.now() then
    raise exception 'a grant that expired at % gives nothing', p_expires_at using errcode = 'QT004';
  end if;
  insert into quota.grants (user_id, meter, quantity, expires_at, reason)
  values (owner, p_meter, p_quantity, p_expires_at, p_reason) returning id into grant_id;
  select c.granted, greatest(c.limit_quantity + c.granted - c.used, 0) into granted, remaining
  from quota.current_quotas(owner) c where c.meter = p_meter;
  insert into quota.audit_log (action, user_id, service, subject, reason, after)
  values ('grant.added', owner, meter.service, p_meter, p_reason, jsonb_build_object(
    'grantId', grant_id::text, 'meter', p_meter, 'quantity', p_quantity::text,
    'expiresAt', p_expires_at, 'granted', granted::text, 'remaining', remaining::text))
  returning id into audit_id;
  perform set_config('quota.actor', former_actor, true);
end $$;
comment on function quota.grant_allowance(text, text, numeric, text, timestamptz, text) is
  'Gives a user extra allowance of a meter, from the back office of an app: used after the plan''s; a limit '
  'on assistants that it lifts is lifted. Audited with the reason and who acted.';
