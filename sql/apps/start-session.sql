create type quota.session_result as (
  allowed boolean, reason text, action text, message text, session_id bigint, cap_seconds numeric,
  expires_at timestamptz,
  remaining numeric, resets_at timestamptz, upgrade_to text);

create or replace function quota.start_session(
  p_user text, p_service text, p_key text, p_provider text default null, p_assistant_id text default null,
  p_model text default null, p_estimate numeric default null, p_file_bytes bigint default null,
  p_grace interval default '5 minutes', p_metadata jsonb default null)
returns quota.session_result
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  owner uuid := quota.user_or_new(p_user);
  answer quota.check_result;
  result quota.session_result;
begin
  if p_estimate < 0 then
    raise exception 'a quantity cannot be negative: %', p_estimate using errcode = 'QT003';
  end if;
  perform quota.lock_allowance(owner, p_service);
  -- A repeated start is answered with the session it started.
  select c.call_log_id, c.reserved, c.expires_at into result.session_id, result.cap_seconds, result.expires_at
  from quota.call_logs l join quota.concurrent_processing c on c.user_id = l.user_id and c.call_log_id = l.id
  where l.provider = coalesce(p_provider, p_service) and l.provider_call_id = p_key and l.user_id = owner;
  if found then
    result.allowed := true;
    result.reason := 'ok';
    result.message := 'Allowed.';
    return result;
  end if;

  if exists (
    select from quota.call_logs l
    where l.provider = coalesce(p_provider, p_service) and l.provider_call_id = p_key)
  then
    perform quota.refuse_taken_key(p_key);
  end if;
  answer := quota.decide(owner, p_service, p_model, p_estimate, p_file_bytes);
  result.allowed := answer.allowed;
  result.reason := answer.reason;
  result.action := answer.action;
  result.message := answer.message;
  result.remaining := answer.remaining;
  result.resets_at := answer.resets_at;
  result.upgrade_to := answer.upgrade_to;
  if not answer.allowed then
    return result;
  end if;
  select least(coalesce(p_estimate, answer.remaining), answer.remaining, p.max_session_seconds)
  into result.cap_seconds
  from quota.plans p where p.key = answer.plan;
  result.expires_at :=
    quota.now() + make_interval(secs => coalesce(result.cap_seconds, 86400)::float8) + p_grace;
  insert into quota.call_logs
    (user_id, service, provider, provider_call_id, assistant_id, model, status, started_at,
    file_size_bytes, metadata)
  values (owner, p_service, coalesce(p_provider, p_service), p_key, p_assistant_id, p_model, 'active',
    quota.now(), p_file_bytes, p_metadata)
  returning id into result.session_id;
  insert into quota.concurrent_processing (user_id, service, call_log_id, reserved, expires_at)
  values (owner, p_service, result.session_id, coalesce(result.cap_seconds, 0), result.expires_at);
  return result;
end $$;
comment on function quota.start_session(
  text, text, text, text, text, text, numeric, bigint, interval, jsonb) is
  'Reserves what a session may use (its estimate, what is left or the limit per session, whichever is least) '
  'and opens its call log. The app ends it after cap_seconds at the latest.';
