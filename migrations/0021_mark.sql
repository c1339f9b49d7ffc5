-- What this database is, said by itself: no client can forget it.
create table quota.database_mark (
  is_only boolean primary key default true check (is_only),
  environment text not null check (environment in ('development', 'test', 'production')),
  marked_at timestamptz not null default clock_timestamp(),
  marked_by text not null default quota.actor(),
  login text not null default session_user
);
comment on table quota.database_mark is
  'Whether this is a database of production. One row, or none where nobody has said; set by quota db mark.';
