create or replace function quota.take_new_call(p_source integer, p_call quota.adopted_call) returns boolean
language plpgsql
as $$
begin
  if (p_call.is_there and p_call.status in ('active', 'completed', 'error')
    and p_call.started_at <= quota.now() + interval '1 day') is not true
  then
    return false;
  end if;
  -- Making a statement ready costs more than what it does: it is one.
  with who as (
    select u.id as user_id, nextval('quota.call_logs_id_seq') as id
    from quota.users u
    where u.external_id = p_call.user_name and u.erased_at is null
      and not exists (
        select from quota.call_logs o
        where o.provider = p_call.provider and o.provider_call_id = p_call.provider_call_id)
  ), linked as (
    insert into quota.adopt_links (source, key, call_log_id)
    select p_source, p_call.key, w.id from who w
    on conflict do nothing
    returning call_log_id
  )
  insert into quota.call_logs
    (id, user_id, service, provider, provider_call_id, assistant_id, model, status, started_at, ended_at,
     duration_seconds, messages, words_spoken, file_size_bytes, cost, error_message, quantities)
  overriding system value
  select w.id, w.user_id, p_call.service, p_call.provider, p_call.provider_call_id, p_call.assistant_id,
    p_call.model, p_call.status, p_call.started_at, p_call.ended_at, p_call.duration_seconds, p_call.messages,
    p_call.words_spoken, p_call.file_size_bytes, p_call.cost, p_call.error_message, p_call.quantities
  from who w join linked l on l.call_log_id = w.id;
  if not found then
    return false;
  end if;
  if quota.keeps_mirrors() then
    perform quota.refresh_mirrors(array[u.id], p_call.service)
    from quota.users u where u.external_id = p_call.user_name;
  end if;
  return true;
end $$;
comment on function quota.take_new_call(integer, quota.adopted_call) is
  'Counts one call that an adopted product has just written, of a user who is known: what apps do all day. '
  'False, and nothing is done: it is for quota.take_calls.';

create or replace function quota.take_written(
  p_source integer, p_calls quota.adopted_call[], p_is_new boolean)
returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if not (p_is_new and cardinality(p_calls) = 1 and quota.take_new_call(p_source, p_calls[1])) then
    perform quota.take_calls(p_source, p_calls);
  end if;
end $$;
comment on function quota.take_written(integer, quota.adopted_call[], boolean) is
  'Takes over calls that an adopted product has just written; p_is_new: it has inserted them.';
