create or replace function quota.take_users(p_source integer, p_users quota.adopted_user[]) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  added integer;
  told record;
begin
  perform quota.bury_row(p_source, u.key, 'take', null, 'it names no user')
  from unnest(p_users) u where u.is_there and coalesce(u.user_name, '') = '';
  if quota.sees_one_moment() then
    perform quota.hold_subscriptions(array(
      select o.id from unnest(p_users) u join quota.users o on o.external_id = u.user_name));
    perform from quota.users o
    where o.external_id in (select u.user_name from unnest(p_users) u) order by o.id for no key update;
  end if;
  insert into quota.users (id, external_id, email, name, timezone, created_at)
  select case when u.user_name ~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$'
      and u.user_name::uuid <> quota.newcomer() then u.user_name::uuid else gen_random_uuid() end,
    u.user_name, u.email, u.name, coalesce(u.timezone, 'UTC'), coalesce(u.signup_at, quota.now())
  from unnest(p_users) u
  where u.is_there and u.user_name <> ''
    and not exists (select from quota.users o where o.external_id = u.user_name)
    and not quota.was_erased(u.user_name)
  order by u.user_name
  on conflict do nothing;
  get diagnostics added = row_count;
  if added < cardinality(p_users) then
    for told in
      select o.id, u.email, u.name, u.signup_at, u.timezone
      from unnest(p_users) u
      join quota.users o on o.external_id = u.user_name and o.erased_at is null
      where u.is_there
        and (coalesce(u.email, o.email), coalesce(u.name, o.name), coalesce(u.timezone, o.timezone),
            coalesce(u.signup_at, o.created_at))
          is distinct from (o.email, o.name, o.timezone, o.created_at)
      order by o.id
    loop
      added := added + quota.update_person(told.id, told.email, told.name, told.signup_at,
        told.timezone)::integer;
    end loop;
  end if;
  perform quota.take_plans(p_users);
  return added;
end $$;
comment on function quota.take_users(integer, quota.adopted_user[]) is
  'Makes the users that rows of an adopted product tell of, or brings them up to date, and puts them on '
  'their plans; how many were made or changed.';
