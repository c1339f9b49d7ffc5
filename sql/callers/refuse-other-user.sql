create or replace function quota.refuse_other_user(p_user uuid) returns boolean
language plpgsql stable
as $$
declare
  caller record;
begin
  select * into caller from quota.caller();
  if caller.speaks_for = 'all' or p_user is null and caller.speaks_for = 'anonymous'
    or caller.speaks_for = 'user' and p_user = coalesce(caller.user_id, quota.newcomer())
  then
    return true;
  end if;
  perform quota.refuse_caller(caller.speaks_for);
end $$;
comment on function quota.refuse_other_user(uuid) is
  'True; raises QT006 unless this session speaks for this user (null: somebody not signed in).';
