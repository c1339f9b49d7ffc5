create or replace function quota.start_again(
  p_user uuid, p_service text, session quota.call_logs, p_grace interval)
returns quota.session_result
language plpgsql
as $$
declare
  result quota.session_result;
  touched quota.touch_result;
begin
  if session.user_id <> p_user or session.service <> p_service
    or session.status <> 'active' and quota.is_estimate(session.settled_by) is not true
  then
    perform quota.refuse_taken_key(session.provider_call_id);
  end if;
  result := quota.started_session(p_user, session.provider, session.provider_call_id);
  if result.session_id is null and session.status = 'active' then
    return null; -- A webhook was faster than the start.
  elsif result.expires_at > quota.now() then
    return result;
  end if;
  -- It was given up, and lives.
  touched := quota.extend_lease(session, null, coalesce(p_grace, '5 minutes'));
  result.session_id := session.id;
  result.remaining := touched.remaining;
  if touched.action is not null then
    -- It may not go on: it is given up again, at what it was given up at.
    update quota.concurrent_processing c set expires_at = quota.now()
    where c.user_id = p_user and c.call_log_id = session.id;
    perform quota.settle_leases(array[session.id]);
    result.allowed := false;
    result.cap_seconds := null;
    result.expires_at := null;
    result.reason := 'quota_exceeded';
    result.action := touched.action;
    result.message := 'Nothing is left: the session is to end.';
    return result;
  end if;
  result.allowed := true;
  result.reason := 'ok';
  result.message := 'Allowed.';
  result.cap_seconds := touched.cap_seconds;
  result.expires_at := touched.expires_at;
  return result;
end $$;
comment on function quota.start_again(uuid, text, quota.call_logs, interval) is
  'The answer to a repeated start: the session that it started. Null: the call is there, but nothing was '
  'reserved for it. QT003: the key is that of another call, or of one whose end is known.';
