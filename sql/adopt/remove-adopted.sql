create or replace function quota.remove_adopted(p_source integer, p_calls quota.adopted_call[])
returns integer
language plpgsql
as $$
declare
  logs bigint[];
  freed text[];
  removed integer;
begin
  logs := array(
    select l.call_log_id
    from unnest(p_calls) c join quota.adopt_links l on l.source = p_source and l.key = c.key
    where l.call_log_id is not null);
  -- The link stays, of nothing: a backfill that still saw the row does not count it.
  with kept as (
    insert into quota.adopt_links as l (source, key)
    select p_source, c.key from unnest(p_calls) c where c.key is not null
    on conflict (source, key) do update set call_log_id = null
      where l.call_log_id is null or l.call_log_id = any (logs)
    returning l.key
  )
  select array(select k.key from kept k) into freed;
  perform quota.bury_row(p_source, c.key, 'remove', null, 'another session is taking it over')
  from unnest(p_calls) c where c.key <> all (freed);
  delete from quota.call_logs c where c.id = any (logs);
  get diagnostics removed = row_count;
  return removed;
end $$;
comment on function quota.remove_adopted(integer, quota.adopted_call[]) is
  'Takes back the calls of rows that are gone; how many. The caller holds the subscriptions.';
