create or replace function quota.settle_if_granted(users uuid[], services text[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  granted_users uuid[];
  granted_services text[];
begin
  select array_agg(u.user_id), array_agg(u.service) into granted_users, granted_services
  from (select distinct user_id, service from unnest(users, services) u(user_id, service)) u
  where exists (
    select 1 from quota.grants g join quota.meters m on m.key = g.meter
    where g.user_id = u.user_id and m.service = u.service);
  if granted_users is not null then
    perform quota.settle_grants(granted_users, granted_services);
  end if;
end $$;
comment on function quota.settle_if_granted(uuid[], text[]) is
  'The same as settle_grants for those of the (user, service) pairs that have grants: most have none.';
