create or replace function quota.caller(out speaks_for text, out user_id uuid, out user_name text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
  acting name := coalesce(nullif(current_setting('role'), 'none'), session_user);
  login record;
begin
  select * into speaks_for, user_id, user_name from quota.speaker(acting);
  -- A pool is what it puts on by "set role"; a login that is registered itself stays what it is beside that.
  if acting <> session_user and exists (
    select from quota.logins l
    where l.role_name = session_user or l.role_oid = quote_ident(session_user)::regrole)
  then
    select * into login from quota.speaker(session_user);
    if speaks_for = 'all' then
      speaks_for := login.speaks_for;
      user_id := login.user_id;
      user_name := login.user_name;
    elsif login.speaks_for <> 'all' and (login.speaks_for, login.user_id, login.user_name)
      is distinct from (speaks_for, user_id, user_name)
    then
      speaks_for := 'nobody';
      user_id := null;
      user_name := null;
    end if;
  end if;
end $$;
comment on function quota.caller() is
  'Who calls, decided here alone, by the login and by the role that is set, also inside security definer '
  'functions: speaks_for all, user (user_id null: one whom nobody has told of, called user_name), anonymous '
  'or nobody.';
