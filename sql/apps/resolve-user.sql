create or replace function quota.resolve_user(p_user text) returns uuid
language plpgsql stable
as $$
declare
  found_id uuid;
begin
  select u.id into found_id from quota.users u where u.external_id = p_user;
  if found_id is null and p_user ~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' then
    select u.id into found_id from quota.users u where u.id = p_user::uuid;
  end if;
  if found_id is null then
    raise exception 'unknown user "%"', p_user using errcode = 'QT001',
      hint = 'Give the id or the external id of a user.';
  end if;
  perform quota.refuse_other_user(found_id);
  return found_id;
end $$;
comment on function quota.resolve_user(text) is 'The id of a user named by external id or id; raises QT001.';
