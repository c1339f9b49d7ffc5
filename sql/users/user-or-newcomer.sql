create or replace function quota.user_or_newcomer(p_user text) returns uuid
language plpgsql stable
as $$
declare
  found_id uuid := quota.find_user(p_user);
begin
  if found_id is not null then
    perform quota.refuse_other_user(found_id);
    return found_id;
  end if;
  perform quota.refuse_other_name(p_user);
  if p_user is null or not quota.creates_users() then
    perform quota.refuse_unknown_user(p_user);
  end if;
  perform quota.refuse_unfit_name(p_user);
  perform quota.refuse_moved(p_user);
  return quota.newcomer();
end $$;
comment on function quota.user_or_newcomer(text) is
  'The id of a user named by external id or id; quota.newcomer() for one whom a first call would make.';
