create or replace function quota.outdate_former_name() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  insert into quota.cache_outbox (user_id, external_id, meter, period_start)
  select q.user_id, old.external_id, q.meter, q.period_start
  from quota.usage_quotas q where q.user_id = old.id and q.period_end > quota.now();
  return null;
end $$;

create or replace trigger users_cache_renamed after update of external_id on quota.users
  for each row when (old.external_id <> new.external_id and quota.keeps_cache())
  execute function quota.outdate_former_name();
