-- Products that were there before quota: which of their tables are read, which call log came of which row, and what could
-- not be understood yet.
create table quota.adopt_products (
  product text primary key check (product <> ''),
  mapping jsonb not null,
  services text[] not null,
  authority text not null default 'app' check (authority in ('app', 'quota')),
  authority_since timestamptz not null default quota.now(),
  attached_at timestamptz not null default quota.now(),
  attached_by text not null default quota.actor(),
  detached_at timestamptz
);
comment on table quota.adopt_products is 'Products that were adopted; one that was let go keeps its links, so that it is not counted twice when it comes again.';
comment on column quota.adopt_products.mapping is 'Which of its tables and columns are ours, as it was attached.';
comment on column quota.adopt_products.authority is 'app: what is counted decides nothing. quota: limits, alerts and resets are ours.';

create table quota.adopt_sources (
  id integer primary key generated always as identity,
  product text not null references quota.adopt_products,
  name text not null,
  kind text not null check (kind in ('users', 'assistants', 'calls')),
  relation text not null,
  makes_users boolean not null default false,
  on_delete text not null default 'ignore' check (on_delete in ('ignore', 'remove')),
  is_attached boolean not null default true,
  backfilled_to text,
  backfilled_rows bigint not null default 0,
  backfilled_at timestamptz,
  unique (product, name)
);
comment on table quota.adopt_sources is 'The tables of adopted products whose rows are taken over.';
comment on column quota.adopt_sources.relation is 'The table, as SQL names it.';
comment on column quota.adopt_sources.makes_users is 'A row of somebody unknown makes the user; else it waits until the app tells of the user.';
comment on column quota.adopt_sources.backfilled_to is 'The key of the last row that a backfill has been through; null: none yet.';
comment on column quota.adopt_sources.backfilled_at is 'When a backfill was through all of it; null: it is not.';

create table quota.adopt_links (
  source integer not null,
  key text not null,
  call_log_id bigint,
  primary key (source, key)
);
comment on table quota.adopt_links is 'Which call log came of which row: backfill and live writes count a row once, by this key.';
comment on column quota.adopt_links.call_log_id is 'Null: the row is gone, and so is its call.';
create unique index adopt_links_call on quota.adopt_links (call_log_id) where call_log_id is not null;

create table quota.adopt_dead (
  id bigint primary key generated always as identity,
  source integer not null,
  key text,
  operation text not null,
  told jsonb,
  reason text not null,
  attempts integer not null default 0,
  buried_at timestamptz not null default quota.now(),
  next_attempt_at timestamptz not null default quota.now()
);
comment on table quota.adopt_dead is 'Rows of adopted products that could not be taken over: they wait here, and are tried again. The app never hears of it.';
comment on column quota.adopt_dead.key is 'The key of the row; null: not even that could be read, and it is found by a backfill.';
comment on column quota.adopt_dead.told is 'The row as the app wrote it.';
create unique index adopt_dead_row on quota.adopt_dead (source, key) where key is not null;
create index adopt_dead_due on quota.adopt_dead (next_attempt_at);

create table quota.adopt_assistants (
  source integer not null,
  key text not null,
  provider_assistant_id text not null,
  primary key (source, key)
);
comment on table quota.adopt_assistants is 'Which assistant came of which row: a row that is deleted tells its key alone.';
