create or replace function quota.now() returns timestamptz
language sql stable parallel safe
as $$
  select coalesce(nullif(pg_catalog.current_setting('quota.as_of', true), '')::timestamptz, pg_catalog.now())
$$;
comment on function quota.now() is
  'The one clock of the database: the instant of the session setting quota.as_of, else the transaction''s '
  'start.';
