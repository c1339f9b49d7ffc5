create or replace function quota.insert_adopted(p_source integer, p_calls quota.adopted_call[])
returns integer
language plpgsql
as $$
declare
  inserted integer;
  dead_keys text[];
  faults text[];
  told quota.adopted_call[];
begin
  with owned as materialized (
    select o.* from quota.owned_calls(p_source, p_calls) o
  ), fresh as materialized (
    select o.user_id, o.counted_by, (o.call).*,
      coalesce(o.counted_by, nextval('quota.call_logs_id_seq')) as id
    from owned o where o.fault is null
  ), linked as (
    insert into quota.adopt_links as l (source, key, call_log_id)
    select p_source, f.key, f.id from fresh f
    on conflict (source, key) do update set call_log_id = excluded.call_log_id where l.call_log_id is null
    returning l.key
  ), counted as (
    insert into quota.call_logs
      (id, user_id, service, provider, provider_call_id, assistant_id, model, status, started_at, ended_at,
       duration_seconds, messages, words_spoken, file_size_bytes, cost, error_message, quantities)
    overriding system value
    select f.id, f.user_id, f.service, f.provider, f.provider_call_id, f.assistant_id, f.model, f.status,
      f.started_at, f.ended_at, f.duration_seconds, f.messages, f.words_spoken, f.file_size_bytes, f.cost,
      f.error_message, f.quantities
    from fresh f
    -- Looked up in a table of them, however few the server takes them to be.
    where f.counted_by is null and (f.key in (select k.key from linked k)) is true
    order by f.user_id
    returning id
  ), ended as (
    select o.call, (o.call).key, o.counted_by, o.fault, k.key is not null as is_linked
    from owned o left join linked k on k.key = (o.call).key
  )
  select (select count(*) from counted),
    array_agg(e.key) filter (where not e.is_linked),
    array_agg(coalesce(e.fault, 'another session is taking it over')) filter (where not e.is_linked),
    array_agg(e.call) filter (where e.is_linked and e.counted_by is not null)
  into inserted, dead_keys, faults, told
  from ended e;
  if dead_keys is not null then
    perform quota.bury_row(p_source, d.key, 'take', null, d.fault)
    from unnest(dead_keys, faults) d(key, fault);
  end if;
  -- A call that was recorded before its row came is the same call: it becomes what the row says.
  if told is not null then
    perform quota.hold_adopted(p_source, told);
    inserted := inserted + quota.update_adopted(p_source, told);
  end if;
  return inserted;
end $$;
comment on function quota.insert_adopted(integer, quota.adopted_call[]) is
  'Counts rows of an adopted product that are not linked yet; how many.';
