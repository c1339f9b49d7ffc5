-- Users can go from one shard to another. Their rows wait at the destination, packed, until the source has let go of
-- them: so there is never a moment in which two databases have somebody, or none has what there is to know.
create table quota.moved_users (
  user_id uuid primary key,
  digest text not null unique,
  move_id uuid not null,
  shard text not null,
  shard_number integer not null check (shard_number between 0 and 63),
  moved_at timestamptz not null default quota.now()
);
comment on table quota.moved_users is 'Who was here and is in another shard: not made anew here, and told where to ask.';
comment on column quota.moved_users.digest is 'sha256 of the external id: nobody is named.';
comment on column quota.moved_users.move_id is 'Of the move: the rows that wait under it at the destination are the user''s.';
comment on column quota.moved_users.shard is 'Where they went from here.';

create table quota.arriving_users (
  user_id uuid primary key,
  digest text not null unique,
  move_id uuid not null,
  shard text not null,
  shard_number integer not null check (shard_number between 0 and 63),
  tables jsonb not null,
  stale_days date[] not null,
  packed_at timestamptz not null default quota.now()
);
comment on table quota.arriving_users is 'Who is on the way here from another shard. They are here once that shard has let go of them.';
comment on column quota.arriving_users.shard is 'Where they come from.';
comment on column quota.arriving_users.tables is 'Of each table its columns, how many rows there are, and a sum over them.';
comment on column quota.arriving_users.stale_days is 'Days of their calls that were not rolled up there.';

create table quota.arriving_rows (
  user_id uuid not null references quota.arriving_users on delete cascade,
  table_name text not null,
  part integer not null,
  data bytea not null,
  primary key (user_id, table_name, part)
);
comment on table quota.arriving_rows is 'Their rows, as COPY writes them.';

-- The history stays where it was written, and what lies beside it of persons, too.
alter table quota.audit_personal drop constraint audit_personal_user_id_fkey;
