create or replace function quota.subscribe_to_defaults(users uuid[], services text[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  unknown record;
begin
  select p.user_id, p.service, u.id is null as no_user into unknown
  from unnest(users, services) p(user_id, service)
  left join quota.users u on u.id = p.user_id
  where u.id is null or not exists (select 1 from quota.meters m where m.service = p.service)
  limit 1;
  if unknown.no_user then
    perform quota.refuse_moved(unknown.user_id::text);
    raise exception 'unknown user %', unknown.user_id using errcode = 'QT001',
      hint = 'Add the user to quota.users first.';
  elsif found then
    raise exception 'unknown service "%"', quota.shown(unknown.service)
      using errcode = 'QT002', hint = 'A service is known by its meters: see quota.meters.';
  end if;
  insert into quota.subscriptions (user_id, service, plan)
  select p.user_id, p.service, d.key
  from unnest(users, services) p(user_id, service)
  join quota.plans d on d.service = p.service and d.is_default
  order by p.user_id, p.service
  on conflict do nothing;
end $$;
comment on function quota.subscribe_to_defaults(uuid[], text[]) is
  'Puts (user, service) pairs on the default plan of the service, where they have none. Raises QT001 (user) '
  'and QT002 (service) on unknown names.';
