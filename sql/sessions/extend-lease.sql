create or replace function quota.extend_lease(
  p_call quota.call_logs, p_progress numeric, p_grace interval default null)
returns quota.touch_result
language plpgsql
as $$
declare
  lease quota.concurrent_processing;
  is_start constant boolean := p_grace is not null;
  is_live boolean := quota.is_live(p_call.service);
  room quota.session_room;
  result quota.touch_result;
begin
  select * into lease from quota.concurrent_processing c
  where c.user_id = p_call.user_id and c.call_log_id = p_call.id;
  if p_call.status <> 'active' then
    -- It was given up too early: what it was taken to have used is told by itself again.
    update quota.call_logs l
    set status = 'active', duration_seconds = null, messages = null, ended_at = null, error_message = null,
      quantities = l.quantities - (quota.service_unit(l.service) || 's'), settled_by = null
    where l.id = p_call.id;
  end if;
  perform quota.lock_allowance(p_call.user_id, p_call.service);
  if lease.id is null then
    -- Of what it was given what it was taken to have used is all that is known.
    insert into quota.concurrent_processing
      (user_id, service, call_log_id, started_at, expires_at, progress, reserved, cap)
    values (p_call.user_id, p_call.service, p_call.id, p_call.started_at, quota.now(),
      case p_call.settled_by when 'heartbeat' then quota.told_quantity(p_call) end,
      coalesce(quota.told_quantity(p_call), 0), quota.told_quantity(p_call))
    returning * into lease;
  end if;
  if not is_start then
    -- Signs of life come late, too: the one that tells most is the last.
    lease.progress := greatest(lease.progress, coalesce(p_progress, case when is_live
      then round(greatest(extract(epoch from quota.now() - p_call.started_at), 0), 3) end));
  end if;
  update quota.concurrent_processing c set progress = lease.progress
  where c.user_id = lease.user_id and c.id = lease.id;
  room := quota.session_room(p_call, lease.estimate, lease.cap, coalesce(lease.progress, 0));
  result.running := true;
  result.session_id := p_call.id;
  result.status := 'active';
  result.progress := lease.progress;
  result.remaining := room.remaining;
  result.cap_seconds := room.cap;
  result.ends_at := case when is_live and room.cap is not null then greatest(quota.now()
    + make_interval(secs => (room.cap - coalesce(lease.progress, 0))::float8), quota.now()) end;
  result.expires_at := quota.now() + case when is_start and is_live and lease.progress is null
    then quota.first_lease(room.cap, p_grace) else quota.lease_length(p_call.user_id, p_call.service) end;
  if room.remaining = 0 or is_live and room.cap <= lease.progress then
    result.action := case room.on_exceeded when 'static_fallback' then 'switch_to_static'
      when 'limit_assistants' then 'limit_assistants' else 'block' end;
  end if;
  result.is_estimate := false;
  result.cost := room.cost;
  result.cost_limit := room.cost_limit;
  update quota.concurrent_processing c
  set cap = room.cap, expires_at = result.expires_at,
    -- Of what nothing was told, it will be settled at what it holds: a start told again holds no less.
    reserved = greatest(coalesce(room.cap, 0), coalesce(lease.progress, case when is_start
      then lease.reserved end, 0)),
    touched_at = case when is_start then c.touched_at else quota.now() end
  where c.user_id = lease.user_id and c.id = lease.id;
  return result;
end $$;
comment on function quota.extend_lease(quota.call_logs, numeric, interval) is
  'A sign of life of a session that the caller holds: extends its lease, makes one where there is none, '
  'keeps the progress, and fits what it has reserved to what is left. p_grace: it is its start that is told '
  'again, which says nothing of what is used.';
