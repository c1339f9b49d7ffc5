create or replace function quota.reserve_session(
  p_user uuid, p_service text, p_model text, p_estimate numeric, p_file_bytes bigint)
returns quota.session_result
language plpgsql stable
as $$
declare
  answer quota.check_result := quota.decide(p_user, p_service, p_model, p_estimate, p_file_bytes,
    p_tells_meters => false);
  result quota.session_result;
  is_measured boolean;
begin
  result.allowed := answer.allowed;
  result.reason := answer.reason;
  result.action := answer.action;
  result.message := answer.message;
  -- Where meters measure otherwise than the service is told, what is left is worked out for its own unit.
  select bool_or(m.measure is not null) or min(m.unit) <> max(m.unit) into is_measured
  from quota.meters m where m.service = p_service;
  result.remaining := case
    when is_measured then quota.room_for(p_user, p_service, p_model) else answer.remaining end;
  result.resets_at := answer.resets_at;
  result.upgrade_to := answer.upgrade_to;
  result.cost := answer.cost;
  result.cost_limit := answer.cost_limit;
  if answer.allowed then
    result.cap_seconds := (
      select least(coalesce(p_estimate, result.remaining), result.remaining, p.max_session_seconds)
      from quota.plans p where p.key = answer.plan);
  end if;
  return result;
end $$;
comment on function quota.reserve_session(uuid, text, text, numeric, bigint) is
  'Whether a session may start, and what is reserved for it as cap_seconds: its estimate, what is left or '
  'the limit per session, whichever is least; null: no limit. The caller holds the allowance.';
