create or replace function quota.add_adopted_users(p_calls quota.adopted_call[]) returns void
language sql
as $$
  insert into quota.users (id, external_id, created_at)
  select case when c.user_name ~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$'
      and c.user_name::uuid <> quota.newcomer() then c.user_name::uuid else gen_random_uuid() end,
    c.user_name, min(c.started_at)
  from unnest(p_calls) c
  where c.is_there and c.user_name <> '' and c.started_at is not null
    and not exists (select from quota.users u where u.external_id = c.user_name)
    and not quota.was_erased(c.user_name)
  group by c.user_name
  order by c.user_name
  on conflict do nothing
$$;
comment on function quota.add_adopted_users(quota.adopted_call[]) is
  'Makes the users of calls whom nobody has told of; they signed up with their first call.';
