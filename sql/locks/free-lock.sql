create or replace function quota.free_lock(p_name text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  key bigint := quota.lock_key(p_name);
  is_misused boolean;
begin
  -- Whoever looks at pg_locks while a lock is held sees its number, and may take it afterwards.
  select not bool_or(a.usesysid is null or exists (
    select from unnest(array[to_regrole('quota_operator'), to_regrole('quota_finance'), (
      select n.nspowner::regrole from pg_namespace n where n.nspname = 'quota')]) r(id)
    where pg_has_role(a.usesysid, r.id, 'member')))
  into is_misused
  from pg_locks l
  left join pg_stat_activity a on a.pid = l.pid
  where l.locktype = 'advisory' and l.objsubid = 1 and l.granted
    and l.database = (select d.oid from pg_database d where d.datname = current_database())
    and (l.classid::bigint << 32 | l.objid::bigint) = key;
  if is_misused is not true then
    return false; -- Who holds it works under it, or nobody does.
  end if;
  insert into quota.lock_seeds (name, seed)
  values (p_name, ('x' || substr(md5(gen_random_uuid()::text), 1, 16))::bit(64)::bigint)
  on conflict (name) do update set seed = excluded.seed;
  return true;
end $$;
comment on function quota.free_lock(text) is
  'Gives a lock another number, if it is held by somebody who does none of the work that it is for; whether '
  'it was.';
