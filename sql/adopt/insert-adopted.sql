create or replace function quota.insert_adopted(p_source integer, p_calls quota.adopted_call[])
returns integer
language plpgsql
as $$
declare
  owned quota.owned_call[] := array(select o from quota.owned_calls(p_source, p_calls) o);
  linked text[];
  told quota.adopted_call[];
  inserted integer;
begin
  with fresh as materialized (
    select o.user_id, o.counted_by, (o.call).*,
      coalesce(o.counted_by, nextval('quota.call_logs_id_seq')) as id
    from unnest(owned) o where o.fault is null
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
    from fresh f join linked k on k.key = f.key
    where f.counted_by is null
    order by f.user_id
    returning id
  )
  select array(select k.key from linked k), (select count(*) from counted) into linked, inserted;
  if cardinality(linked) < cardinality(owned) then
    perform quota.bury_row(p_source, (o.call).key, 'take', null,
      coalesce(o.fault, 'another session is taking it over'))
    from unnest(owned) o where (o.call).key is null or (o.call).key <> all (linked);
  end if;
  -- A call that was recorded before its row came is the same call: it becomes what the row says.
  select array_agg(o.call) into told
  from unnest(owned) o where o.counted_by is not null and (o.call).key = any (linked);
  if told is not null then
    perform quota.hold_adopted(p_source, told);
    inserted := inserted + quota.update_adopted(p_source, told);
  end if;
  return inserted;
end $$;
comment on function quota.insert_adopted(integer, quota.adopted_call[]) is
  'Counts rows of an adopted product that are not linked yet; how many.';
