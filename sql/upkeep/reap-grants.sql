create or replace function quota.reap_grants(batch_size integer, only_user uuid default null) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  users uuid[] := '{}';
  services text[] := '{}';
  pair record;
begin
  perform quota.refuse_other_users(array[only_user]);
  for pair in select g.user_id, g.service from quota.stale_grants(only_user) g order by 1, 2 limit batch_size
  loop
    perform quota.lock_allowance(pair.user_id, pair.service);
    users := users || pair.user_id;
    services := services || pair.service;
  end loop;
  if cardinality(users) > 0 then
    perform quota.settle_grants(users, services);
  end if;
  return cardinality(users);
end $$;
comment on function quota.reap_grants(integer, uuid) is
  'Takes expired grants out of up to batch_size running quotas, which may exhaust and limit them; returns '
  'how many users'' services.';
