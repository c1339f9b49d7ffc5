-- Apps may keep counters of usage in a cache of their own. What changes a counter other than by a call is written down
-- here in the same transaction, and taken out of the cache after it: a crash between the two heals at the next run.

create table quota.cache_state (
  is_kept boolean primary key default true check (is_kept),
  since timestamptz not null default quota.now()
);
comment on table quota.cache_state is 'Has its row where a cache is kept: else nothing is written down.';

create table quota.cache_outbox (
  id bigint generated always as identity primary key,
  user_id uuid not null,
  external_id text not null,
  meter text not null,
  period_start timestamptz not null,
  created_at timestamptz not null default quota.now()
);
comment on table quota.cache_outbox is 'Counters to be taken out of the cache. Append-only for writers, who never wait for each other.';
