create or replace function quota.admit_call(told jsonb, p_service text, p_refusal text) returns jsonb
language plpgsql
as $$
declare
  -- VAPI takes no call to be shorter, or longer.
  shortest constant integer := 10;
  longest constant integer := 43200;
  assistant quota.assistants := quota.called_assistant(told);
  key text := quota.told_call(told);
  owner text := (
    select u.external_id from quota.users u where u.id = assistant.user_id and u.erased_at is null);
  known quota.call_logs;
  session quota.session_result;
begin
  if owner is null or assistant.state <> 'active' then
    perform quota.refuse_other_users(null);
    perform quota.note_refusal(p_service, null, 'unknown_assistant');
    return quota.spoken_refusal(p_refusal, null, p_service);
  end if;
  perform quota.refuse_other_user(assistant.user_id);
  -- By hand, until the reset or until somebody lifts it: what is left does not matter.
  if exists (
    select from quota.subscriptions s
    where s.user_id = assistant.user_id and s.service = p_service and s.limit_enforced_at is not null
      and coalesce(s.next_reset_at > quota.now(), true))
  then
    perform quota.note_refusal(p_service, (
      select s.plan from quota.subscriptions s
      where s.user_id = assistant.user_id and s.service = p_service), 'limited');
    return quota.spoken_refusal(p_refusal, assistant.user_id, p_service);
  end if;
  perform quota.hold_key('vapi', key);
  select * into known from quota.call_logs l where l.provider = 'vapi' and l.provider_call_id = key;
  if quota.is_estimate(known.settled_by) or exists (
    select from quota.concurrent_processing c
    where c.user_id = known.user_id and c.call_log_id = known.id and c.expires_at <= quota.now())
  then
    -- It was cut at its length, or never began, and its end was not told: it stays what it is taken to be.
    return quota.spoken_refusal(p_refusal, assistant.user_id, p_service);
  end if;
  session := quota.start_session(owner, p_service, key, 'vapi', assistant.provider_assistant_id);
  if session.allowed and session.cap_seconds < shortest then
    -- Too little for a call that can be cut off: nothing was used, and what was reserved is free again.
    delete from quota.call_logs l where l.id = session.session_id and known.id is null;
    session.allowed := false;
    perform quota.note_refusal(p_service, (
      select s.plan from quota.subscriptions s
      where s.user_id = assistant.user_id and s.service = p_service), 'would_exceed');
  end if;
  if not session.allowed then
    return quota.spoken_refusal(p_refusal, assistant.user_id, p_service);
  end if;
  return jsonb_build_object('assistantId', assistant.provider_assistant_id) || case
    when session.cap_seconds is null then '{}'
    else jsonb_build_object('assistantOverrides', jsonb_build_object(
      'maxDurationSeconds', trunc(least(session.cap_seconds, longest))::integer)) end;
end $$;
comment on function quota.admit_call(jsonb, text, text) is
  'The answer to a call that wants to begin, by what is told of it. Raises QT003 where the call has no id.';
