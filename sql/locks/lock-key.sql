create or replace function quota.lock_key(p_name text) returns bigint
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select hashtextextended('quota ' || p_name, s.seed)
  from quota.lock_seeds s where s.name in ('', p_name) order by s.name desc limit 1
$$;
comment on function quota.lock_key(text) is
  'The number of an advisory lock of this database, such as that of "job purge": nobody else can reckon it.';
