create or replace function quota.find_user(p_user text) returns uuid
language plpgsql stable
as $$
declare
  found_id uuid;
begin
  select u.id into found_id from quota.users u where u.external_id = p_user;
  if found_id is null and p_user ~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' then
    select u.id into found_id from quota.users u where u.id = p_user::uuid;
  end if;
  return found_id;
end $$;
comment on function quota.find_user(text) is
  'The id of the user with this external id, else with this id; null: there is none.';
