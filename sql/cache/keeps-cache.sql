create or replace function quota.keeps_cache() returns boolean
language plpgsql stable
as $$
begin
  -- Asked for each row that is written. A table that nobody wrote to has no pages: that is known without a
  -- query, which costs ten times as much.
  if pg_relation_size('quota.cache_state') = 0 then
    return false;
  end if;
  return exists (select 1 from quota.cache_state);
end $$;
comment on function quota.keeps_cache() is 'Whether an app keeps counters in a cache.';
