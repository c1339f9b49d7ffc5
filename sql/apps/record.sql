create type quota.record_result as (
  recorded boolean, call_log_id bigint, used numeric, "limit" numeric, remaining numeric, state text,
  action text, cost numeric, cost_limit numeric,
  differs boolean, stored_status text, stored_quantity numeric, stored_cost numeric,
  is_estimate boolean, runs_out_at timestamptz);

create or replace function quota.record(
  p_user text, p_service text, p_key text, p_quantity numeric, p_provider text default null,
  p_model text default null, p_cost numeric default null, p_started_at timestamptz default null,
  p_status text default 'completed', p_assistant_id text default null, p_file_bytes bigint default null,
  p_words integer default null, p_error text default null, p_metadata jsonb default null,
  p_quantities jsonb default null)
returns quota.record_result language plpgsql security definer
set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan
as $$
declare
  answer quota.check_result;
  owner uuid;
  in_seconds boolean;
  in_messages boolean;
  is_live boolean;
  starts timestamptz;
  told quota.told_end;
  counted integer;
  recorded_id bigint;
  asked text;
begin
  -- One look, for the lock as well: each statement has its price, and apps record all day.
  select u.id, s.in_seconds, s.in_messages, s.is_live, coalesce(p_provider, p_service),
    set_config('quota.counted', case when quota.hold_seeded((select seed from quota.lock_seeds
      where name = ''), coalesce(p_provider, p_service), p_key) then 'asked' end, true)
  into owner, in_seconds, in_messages, is_live, p_provider, asked
  from (select bool_or(m.unit = 'second' or m.credit_seconds is not null) as in_seconds,
      bool_or(m.unit = 'message') as in_messages, bool_or(m.is_live) as is_live
    from quota.meters m where m.service = p_service) s left join quota.users u on u.external_id = p_user;
  if owner is null or not quota.is_plain_caller() then
    owner := quota.user_or_new(p_user);
  end if;
  if in_seconds is null then
    raise exception 'unknown service "%"', quota.shown(p_service) using errcode = 'QT002';
  end if;
  if p_started_at is not null or (p_status in ('active', 'completed', 'error')) is not true
    or least(p_file_bytes, p_words) < 0 or quota.is_endless(p_quantity, p_cost, p_metadata, concat(p_key,
      p_provider, p_assistant_id, p_model, p_status, p_error)) then
    perform quota.refuse_impossible(p_quantity, p_cost, p_started_at),
      quota.refuse_endless(array[p_key, p_provider, p_assistant_id, p_model, p_status], p_error, p_metadata);
    p_status := quota.fit_status(p_status, p_file_bytes, p_words);
  end if;
  if p_quantities is not null or not in_seconds and not in_messages then
    told := quota.told_quantities_of(p_service, in_seconds, in_messages, p_quantity, p_quantities);
    p_quantity := coalesce(p_quantity, case when in_seconds then told.duration_seconds
      when in_messages then told.messages end);
  end if;
  if in_seconds and p_quantity > 604800 or not in_seconds and in_messages
    and (p_quantity <> trunc(p_quantity) or p_quantity > 2147483647) then
    perform quota.refuse_quantity(in_seconds, p_quantity);
  end if;
  starts := coalesce(p_started_at, quota.now() - case when in_seconds and is_live
    then make_interval(secs => greatest(p_quantity, 0)::float8) else interval '0' end);
  counted := case when in_seconds then told.messages when in_messages then p_quantity::integer end;
  -- By months, a key of another month is known to the table of keys only.
  if to_regclass('quota.call_logs_rest') is null or not quota.is_call_known(p_provider, p_key) then
    insert into quota.call_logs (user_id, service, provider, provider_call_id, assistant_id, model, status,
      started_at, ended_at, duration_seconds, messages, words_spoken, file_size_bytes, cost, error_message,
      metadata, quantities)
    values (owner, p_service, p_provider, p_key, p_assistant_id, p_model, p_status, starts,
      case when in_seconds and p_started_at is not null
        then starts + make_interval(secs => p_quantity::float8) else coalesce(p_started_at, quota.now()) end,
      case when in_seconds then p_quantity else 0 end, counted, p_words, p_file_bytes, p_cost, p_error,
      p_metadata, told.quantities) on conflict do nothing returning id into recorded_id;
  end if;
  if recorded_id is null then
    return quota.record_again(owner, p_service, p_provider, p_key, (p_status, p_started_at,
      case when in_seconds then p_quantity end, counted, p_cost, p_words, p_error, p_assistant_id, p_model,
      p_file_bytes, p_metadata, told.quantities)::quota.told_end);
  end if;
  answer := quota.left_after(owner, p_service, p_model);
  return (true, recorded_id, answer.used, answer."limit", answer.remaining, answer.state, answer.action,
    answer.cost, answer.cost_limit, false, p_status,
    round(p_quantity, least(scale(p_quantity), 3)), p_cost, false, answer.runs_out_at)::quota.record_result;
end $$;
comment on function quota.record(
  text, text, text, numeric, text, text, numeric, timestamptz, text, text, bigint, integer, text, jsonb,
  jsonb) is
  'Records usage once per (provider, key), in the unit of the service: seconds, messages, tokens, ...; '
  'p_quantities: what else it used, by unit or meter. A call of that key that runs, or was settled '
  'at an estimate, is completed. recorded = false: it was there already; differs: with other figures, which '
  'stay. Returns what is stored and what is left.';
