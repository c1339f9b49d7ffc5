create or replace function quota.end_session(
  p_session bigint, p_duration_seconds numeric default null, p_cost numeric default null,
  p_words integer default null, p_messages integer default null, p_status text default 'completed',
  p_error text default null, p_quantities jsonb default null)
returns quota.record_result
language plpgsql security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
  owner uuid;
begin
  select l.user_id into owner from quota.call_logs l where l.id = p_session;
  -- Whoever speaks for one user learns of a number that is not theirs nothing, not whether it is somebody's.
  perform quota.refuse_other_user(coalesce(owner, '00000000-0000-0000-0000-000000000001'));
  if owner is null then
    raise exception 'unknown session %', p_session using errcode = 'QT003';
  end if;
  return quota.end_call(p_session, (p_status, null, p_duration_seconds, p_messages, p_cost, p_words, p_error,
    null, null, null, null, p_quantities)::quota.told_end);
end $$;
comment on function quota.end_session(bigint, numeric, numeric, integer, integer, text, text, jsonb) is
  'Settles a session: its duration (default: since its start), cost and words; frees what was reserved. Also '
  'one that was settled at an estimate because nobody told its end. recorded = false: its end is known '
  'already; differs: as something else. p_quantities: what else it used, by unit or meter. '
  'action = switch_to_static: nothing is left.';

create or replace function quota.end_session(
  p_user text, p_key text, p_seconds numeric, p_cost numeric default null, p_words integer default null,
  p_messages integer default null, p_status text default 'completed', p_error text default null,
  p_provider text default null, p_service text default null, p_quantities jsonb default null)
returns quota.record_result
language plpgsql security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
  owner uuid;
  session bigint;
begin
  select u.id into owner from quota.users u where u.external_id = p_user;
  if owner is null or not quota.is_plain_caller() then
    owner := case when p_service is null then quota.resolve_user(p_user) else quota.user_or_new(p_user) end;
  end if;
  session := quota.find_session(owner, p_key, coalesce(p_provider, p_service));
  if session is not null then
    return quota.end_call(session, (p_status, null, p_seconds, p_messages, p_cost, p_words, p_error,
      null, null, null, null, p_quantities)::quota.told_end);
  elsif p_service is null then
    raise exception 'unknown session "%"', quota.shown(p_key) using errcode = 'QT003',
      hint = 'With p_service an end is recorded also where its start was not told.';
  end if;
  return quota.record(p_user, p_service, p_key, case quota.service_unit(p_service)
      when 'second' then coalesce(p_seconds, (p_quantities->>'seconds')::numeric, 0)
      when 'message' then coalesce(p_messages, (p_quantities->>'messages')::numeric, 1) end, p_provider,
    p_cost => p_cost, p_status => p_status, p_words => p_words, p_error => p_error,
    p_quantities => p_quantities);
end $$;
comment on function quota.end_session(
  text, text, numeric, numeric, integer, integer, text, text, text, text, jsonb) is
  'The same by the user and the app''s key of the session (or our number). With p_service also where its '
  'start was never told: then the end is all there is, and is recorded.';
