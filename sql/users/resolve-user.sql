create or replace function quota.resolve_user(p_user text) returns uuid
language plpgsql stable
as $$
declare
  found_id uuid := quota.find_user(p_user);
begin
  if found_id is null then
    perform quota.refuse_other_name(p_user);
    perform quota.refuse_unknown_user(p_user);
  end if;
  perform quota.refuse_other_user(found_id);
  return found_id;
end $$;
comment on function quota.resolve_user(text) is
  'The id of a user named by external id or id, for whom this connection may speak; raises QT001 and QT006.';
