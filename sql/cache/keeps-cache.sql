create or replace function quota.keeps_cache() returns boolean
language sql stable
as $$ select exists (select 1 from quota.cache_state) $$;
comment on function quota.keeps_cache() is 'Whether an app keeps counters in a cache.';
