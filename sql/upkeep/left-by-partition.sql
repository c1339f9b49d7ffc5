create or replace function quota.left_by_partition() returns setof text
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  -- Whoever divides the calls holds a lock of its own until it is through.
  select l.what
  from (
    select 1 as place, format('refuses calls that do not meet %s', pg_get_constraintdef(o.oid)) as what
    from pg_constraint o
    where o.conrelid = to_regclass('quota.call_logs') and o.conname = 'call_logs_partition_border'
    union all
    select 2, format('index %s', to_regclass('quota.call_logs_partition_key'))
    where to_regclass('quota.call_logs_partition_key') is not null
    union all
    select 3, 'table quota.call_keys' where to_regclass('quota.call_keys') is not null
  ) l
  where to_regclass('quota.call_logs_rest') is null and not exists (
    select from pg_locks k
    where k.locktype = 'advisory' and k.objsubid = 1 and k.granted
      and k.database = (select d.oid from pg_database d where d.datname = current_database())
      and (k.classid::bigint << 32 | k.objid::bigint) = quota.lock_key('db partition'))
  order by l.place
$$;
comment on function quota.left_by_partition() is
  'What a quota db partition that is gone left on call_logs before it was through.';
