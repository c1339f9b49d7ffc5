create or replace function quota.now() returns timestamptz
language sql stable parallel safe
as $$
  select case
    when coalesce(pg_catalog.current_setting('quota.as_of', true), '') = '' then pg_catalog.now()
    -- Only the owner of a schema can grant on what others may make in it; a superuser is of all roles.
    when pg_catalog.has_schema_privilege(session_user, 'quota', 'create with grant option')
      or pg_catalog.pg_has_role(session_user, pg_catalog.to_regrole('quota_operator'), 'member')
      then pg_catalog.current_setting('quota.as_of')::pg_catalog.timestamptz
    else pg_catalog.now()
  end
$$;
comment on function quota.now() is
  'The one clock of the database: the transaction''s start; for the owner of the schema and for members of '
  'quota_operator, judged by the login, the instant of the session setting quota.as_of where one is set.';
