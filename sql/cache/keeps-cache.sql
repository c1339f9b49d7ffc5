create or replace function quota.keeps_cache() returns boolean
language sql stable
as $$ select exists (select 1 from quota.cache_state) $$;
comment on function quota.keeps_cache() is 'Whether an app keeps counters in a cache.';

-- In PL/pgSQL, which keeps its plan: a trigger's condition asks it of each call that is counted.
create or replace function quota.follows_in_cache(p_meter text) returns boolean
language plpgsql stable
as $$
begin
  perform 1 from quota.cache_templates t where t.meter = p_meter;
  return found;
end $$;
comment on function quota.follows_in_cache(text) is
  'Whether keys under the app''s own names hold what is used of a meter.';
