create or replace function quota.bound_user() returns uuid
language sql stable
as $$
  select case c.speaks_for when 'all' then null when 'user' then coalesce(c.user_id, quota.newcomer())
    else quota.newcomer() end
  from quota.caller() c
$$;
comment on function quota.bound_user() is
  'The one user whose rows this session may see; null: it may see all; quota.newcomer(), whom no row names: '
  'none.';
