create or replace function quota.started_session(p_user uuid, p_provider text, p_key text)
returns quota.session_result
language plpgsql stable
as $$
declare
  result quota.session_result;
begin
  select c.call_log_id, c.cap, c.expires_at into result.session_id, result.cap_seconds, result.expires_at
  from quota.call_logs l join quota.concurrent_processing c on c.user_id = l.user_id and c.call_log_id = l.id
  where l.provider = p_provider and l.provider_call_id = p_key and l.user_id = p_user;
  if found then
    result.allowed := true;
    result.reason := 'ok';
    result.message := 'Allowed.';
  end if;
  return result;
end $$;
comment on function quota.started_session(uuid, text, text) is
  'The session that a user started under a key, as its start was answered; its session_id is null: none.';
