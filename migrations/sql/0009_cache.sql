-- Apps may keep counters of usage in a cache of their own. What changes a counter other than by a call is written down
-- here in the same transaction, and taken out of the cache after it: a crash between the two heals at the next run.

create table quota.cache_state (
  is_kept boolean primary key default true check (is_kept),
  since timestamptz not null default quota.now()
);
comment on table quota.cache_state is 'Has its row where a cache is kept: else nothing is written down.';

create function quota.keeps_cache() returns boolean
language sql stable
as $$ select exists (select 1 from quota.cache_state) $$;
comment on function quota.keeps_cache() is 'Whether an app keeps counters in a cache.';

create table quota.cache_outbox (
  id bigint generated always as identity primary key,
  user_id uuid not null,
  external_id text not null,
  meter text not null,
  period_start timestamptz not null,
  created_at timestamptz not null default quota.now()
);
comment on table quota.cache_outbox is 'Counters to be taken out of the cache. Append-only for writers, who never wait for each other.';

create function quota.outdate_cache() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  insert into quota.cache_outbox (user_id, external_id, meter, period_start)
  select new.user_id, u.external_id, new.meter, new.period_start from quota.users u where u.id = new.user_id;
  return null;
end $$;

-- Resets, adjustments, grants, plans and custom limits all end here. A call does not: its app counts it itself, and the
-- columns that a call updates do not fire this.
create trigger usage_quotas_cache_updated
  after update of limit_quantity, cost_limit, granted, adjusted, closed_at, superseded on quota.usage_quotas
  for each row
  when ((old.limit_quantity, old.cost_limit, old.granted, old.adjusted, old.closed_at, old.superseded)
      is distinct from (new.limit_quantity, new.cost_limit, new.granted, new.adjusted, new.closed_at, new.superseded)
    and quota.keeps_cache())
  execute function quota.outdate_cache();
create trigger usage_quotas_cache_inserted after insert on quota.usage_quotas
  for each row when (new.used <> 0 and quota.keeps_cache())
  execute function quota.outdate_cache();

create function quota.outdate_former_name() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  insert into quota.cache_outbox (user_id, external_id, meter, period_start)
  select q.user_id, old.external_id, q.meter, q.period_start
  from quota.usage_quotas q where q.user_id = old.id and q.period_end > quota.now();
  return null;
end $$;
create trigger users_cache_renamed after update of external_id on quota.users
  for each row when (old.external_id <> new.external_id and quota.keeps_cache())
  execute function quota.outdate_former_name();

create function quota.cache_key(external_id text, meter text, period_start timestamptz) returns text
language sql immutable parallel safe
as $$
  select 'quota:usage:' || external_id || ':' || meter || ':'
    || case when isfinite(period_start) then extract(epoch from period_start)::bigint::text else 'lifetime' end
$$;
comment on function quota.cache_key(text, text, timestamptz) is
  'The name of a counter in the cache: the user''s external id, the meter, and the start of the period in seconds since 1970 (lifetime: the word).';
