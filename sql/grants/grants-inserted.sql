create or replace function quota.grants_inserted() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  users uuid[];
  services text[];
begin
  select array_agg(p.user_id), array_agg(p.service) into users, services
  from (
    select distinct n.user_id, m.service from new_rows n join quota.meters m on m.key = n.meter
    order by 1, 2) p;
  if users is not null then
    -- The running quotas have to be there to take the grants.
    perform quota.open_running(users, services);
    perform quota.settle_grants(users, services);
  end if;
  return null;
end $$;

create or replace trigger grants_inserted after insert on quota.grants
  referencing new table as new_rows
  for each statement execute function quota.grants_inserted();
