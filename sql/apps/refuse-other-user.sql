create or replace function quota.refuse_other_user(p_user uuid) returns boolean
language plpgsql stable
as $$
declare
  bound uuid := quota.bound_user();
begin
  if bound is not null and p_user is distinct from bound then
    raise exception 'this connection speaks for another user' using errcode = 'QT006';
  end if;
  return true;
end $$;
comment on function quota.refuse_other_user(uuid) is
  'True; raises QT006 when the login role is bound to a user, and not to this one.';
