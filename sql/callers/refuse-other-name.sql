create or replace function quota.refuse_other_name(p_user text) returns void
language plpgsql stable
as $$
declare
  caller record;
begin
  select * into caller from quota.caller();
  if caller.speaks_for <> 'all' and (caller.speaks_for <> 'user' or caller.user_id is not null
    or caller.user_name is distinct from p_user)
  then
    perform quota.refuse_caller(caller.speaks_for);
  end if;
end $$;
comment on function quota.refuse_other_name(text) is
  'Raises QT006 unless this session speaks for a user of this name, whom nobody has told of yet.';
