create or replace function quota.speaker(
  p_role name, out speaks_for text, out user_id uuid, out user_name text)
language plpgsql stable
as $$
declare
  role record;
begin
  select * into role from quota.role_standing(p_role);
  speaks_for := case when role.standing in ('owner', 'staff', 'app') then 'all'
    when role.standing in ('user', 'claim') then 'user' else 'nobody' end;
  user_id := role.user_id;
  if role.standing = 'claim' then
    user_name := quota.claimed_user(role.claim);
    -- By the app's own id alone: what somebody may choose for a name must not be the id of another.
    select u.id into user_id from quota.users u where u.external_id = user_name;
    if user_name is null then
      speaks_for := 'anonymous';
    end if;
  end if;
end $$;
comment on function quota.speaker(name) is
  'For whom a role speaks: all, user (user_id null: one whom nobody has told of, called user_name), '
  'anonymous (by claim, and there is none), or nobody.';
