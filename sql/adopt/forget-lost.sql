create or replace function quota.forget_lost(p_source integer, p_size integer) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '250ms'
as $$
declare
  kind text := (
    select s.kind from quota.adopt_sources s
    where s.id = p_source and (s.kind <> 'calls' or s.on_delete = 'remove'));
  keys text[];
  there text[];
begin
  if kind is null or kind = 'users' then
    return 0;
  end if;
  execute format('select quota_adopt.source_%s_lost($1)', p_source) into keys using p_size;
  if cardinality(keys) > 0 then
    -- Held, and looked at again: one that has come back at this moment stays.
    there := quota.take_keys(p_source, keys);
    perform quota.forget_rows(p_source, array(select k from unnest(keys) k where k <> all (there)));
  end if;
  return cardinality(keys);
end $$;
comment on function quota.forget_lost(integer, integer) is
  'Takes back what came of rows that were deleted while nobody could tell; how many. 0: there are none.';
