create type quota.session_result as (
  allowed boolean, reason text, action text, message text, session_id bigint, cap_seconds numeric,
  expires_at timestamptz,
  remaining numeric, resets_at timestamptz, upgrade_to text, cost numeric,
  cost_limit numeric);

-- plan_cache_mode, here and in the others that are called all day: else each statement is planned five times
-- in every new connection before a plan is kept, and they look up by key whatever the values are.

create or replace function quota.start_session(
  p_user text, p_service text, p_key text, p_provider text default null, p_assistant_id text default null,
  p_model text default null, p_estimate numeric default null, p_file_bytes bigint default null,
  p_grace interval default '5 minutes', p_metadata jsonb default null, p_started_at timestamptz default null)
returns quota.session_result
language plpgsql security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
  owner uuid;
  session quota.call_logs;
  result quota.session_result;
begin
  select u.id into owner from quota.users u where u.external_id = p_user;
  if owner is null or not quota.is_plain_caller() then
    owner := quota.user_or_new(p_user);
  end if;
  if p_started_at is not null or p_grace <> '5 minutes' or quota.is_endless(p_estimate, null, p_metadata,
    concat(p_key, p_provider, p_assistant_id, p_model))
  then
    perform quota.refuse_impossible_start(p_estimate, p_grace, p_started_at),
      quota.refuse_endless(array[p_key, p_provider, p_assistant_id, p_model], null, p_metadata);
  end if;
  -- Before anything else, as quota.record does: a start and a record of one key wait here, and in no circle.
  perform quota.hold_key(coalesce(p_provider, p_service), p_key);
  select * into session from quota.call_logs l
  where l.provider = coalesce(p_provider, p_service) and l.provider_call_id = p_key for no key update;
  if found then
    result := quota.start_again(owner, p_service, session, p_grace);
    if result.allowed is not null then
      return result;
    end if;
  end if;
  perform quota.settle_ended_leases(owner, p_service);
  perform quota.lock_allowance(owner, p_service);
  result := quota.reserve_session(owner, p_service, coalesce(session.model, p_model), p_estimate,
    p_file_bytes);
  if not result.allowed then
    perform quota.note_refusal(p_service, (
      select s.plan from quota.subscriptions s where s.user_id = owner and s.service = p_service),
      result.reason);
    return result;
  end if;
  result.expires_at := quota.now() + case when quota.is_live(p_service)
    then quota.first_lease(result.cap_seconds, p_grace) else quota.lease_length(owner, p_service) end;
  if session.id is null then
    insert into quota.call_logs
      (user_id, service, provider, provider_call_id, assistant_id, model, status, started_at,
      file_size_bytes, metadata)
    values (owner, p_service, coalesce(p_provider, p_service), p_key, p_assistant_id, p_model, 'active',
      coalesce(p_started_at, quota.now()), p_file_bytes, p_metadata)
    on conflict do nothing
    returning * into session;
    if not found then
      -- A plain row of this key came in the meantime: then it is there, as for a start that comes after it.
      return quota.start_session(p_user, p_service, p_key, p_provider, p_assistant_id, p_model, p_estimate,
        p_file_bytes, p_grace, p_metadata, p_started_at);
    end if;
  end if;
  result.session_id := session.id;
  insert into quota.concurrent_processing
    (user_id, service, call_log_id, reserved, cap, estimate, started_at, expires_at)
  values (owner, p_service, session.id, coalesce(result.cap_seconds, 0), result.cap_seconds, p_estimate,
    session.started_at, result.expires_at);
  return result;
end $$;
comment on function quota.start_session(
  text, text, text, text, text, text, numeric, bigint, interval, jsonb, timestamptz) is
  'Reserves what a session may use (its estimate, what is left or the limit per session, whichever is least) '
  'and opens its call log. The app ends it after cap_seconds at the latest, and until expires_at tells that '
  'it is alive or ends it. On live meters the first lease lasts as long as the reservation and p_grace.';
