create or replace function quota.known_or_new(
  p_user uuid, out id uuid, out created_at timestamptz, out timezone text)
returns setof record
language sql stable
as $$
  select u.id, u.created_at, u.timezone from quota.users u where u.id = p_user
  union all
  select p_user, quota.now(), 'UTC' where p_user = quota.newcomer()
$$;
comment on function quota.known_or_new(uuid) is
  'The signup and the zone of a user; for quota.newcomer() those of one who signs up now.';
