create or replace function quota.lock_allowance(p_user uuid, p_service text) returns void
language sql security definer set search_path = pg_catalog, pg_temp
as $$ select quota.open_running(array[p_user], array[p_service]) $$;
comment on function quota.lock_allowance(uuid, text) is
  'Opens and locks the running quotas of a user''s service, so that changes to its allowance are made one '
  'after another.';
