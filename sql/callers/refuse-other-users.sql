create or replace function quota.refuse_other_users(p_users uuid[]) returns void
language plpgsql stable
as $$
declare
  bound uuid := quota.bound_user();
begin
  if bound is not null
    and (p_users is null or exists (select from unnest(p_users) u(id) where u.id is distinct from bound))
  then
    perform quota.refuse_caller((quota.caller()).speaks_for);
  end if;
end $$;
comment on function quota.refuse_other_users(uuid[]) is
  'Raises QT006 unless this session speaks for all users, or these are the one for whom it does. Null, or '
  'among them: whatever acts on users without naming them.';
