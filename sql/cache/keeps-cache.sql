create or replace function quota.keeps_cache() returns boolean
language sql stable
as $$ select exists (select 1 from quota.cache_state) $$;
comment on function quota.keeps_cache() is 'Whether an app keeps counters in a cache.';

create or replace function quota.follows_in_cache(p_meter text) returns boolean
language sql stable
as $$ select exists (select 1 from quota.cache_templates t where t.meter = p_meter) $$;
comment on function quota.follows_in_cache(text) is
  'Whether keys under the app''s own names hold what is used of a meter.';
