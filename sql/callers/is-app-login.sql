create or replace function quota.is_app_login() returns boolean
language plpgsql stable
as $$
begin
  return exists (
    select from quota.logins l
    where l.role_name = session_user and l.speaks_for = 'app'
      and l.role_oid = quote_ident(session_user)::regrole);
end $$;
comment on function quota.is_app_login() is
  'Whether the login, under the name and the oid it was registered with, speaks for the whole app. Not a '
  'part of quota.is_plain_caller: with a look into a table that would not be inlined.';
