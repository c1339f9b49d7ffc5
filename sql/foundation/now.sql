create or replace function quota.told_now() returns timestamptz
language plpgsql stable parallel safe
as $$
begin
  -- Only the owner of a schema can grant on what others may make in it; a superuser is of all roles.
  if pg_catalog.has_schema_privilege(session_user, 'quota', 'create with grant option')
    or pg_catalog.pg_has_role(session_user, pg_catalog.to_regrole('quota_operator'), 'member')
  then
    return pg_catalog.current_setting('quota.as_of')::pg_catalog.timestamptz;
  end if;
  return pg_catalog.now();
end $$;
comment on function quota.told_now() is
  'The instant of the session setting quota.as_of, for those who may set the clock; else the real one. '
  'Apart from quota.now(), which is inlined: what is rare in it would be made ready wherever it is asked.';

create or replace function quota.now() returns timestamptz
language sql stable parallel safe
as $$
  select case when coalesce(pg_catalog.current_setting('quota.as_of', true), '') = '' then pg_catalog.now()
    else quota.told_now() end
$$;
comment on function quota.now() is
  'The one clock of the database: the transaction''s start; for the owner of the schema and for members of '
  'quota_operator, judged by the login, the instant of the session setting quota.as_of where one is set.';
