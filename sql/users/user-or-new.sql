create or replace function quota.user_or_new(p_user text) returns uuid
language plpgsql
as $$
declare
  found_id uuid := quota.user_or_newcomer(p_user);
begin
  if found_id = quota.newcomer() then
    found_id := quota.add_user(p_user);
  end if;
  if found_id is null then
    found_id := quota.resolve_user(p_user);
  end if;
  return found_id;
end $$;
comment on function quota.user_or_new(text) is
  'The id of a user named by external id or id; one whom nobody has told of is made, with this moment as '
  'signup.';
