create or replace function quota.outdate_cache() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  -- An app has counted its own call by then: what is written before it would be counted up once more.
  settled_after constant interval := '10 seconds';
begin
  insert into quota.cache_outbox (user_id, external_id, meter, period_start, due_at)
  select new.user_id, u.external_id, new.meter, new.period_start,
    case when tg_argv[0] = 'call' then quota.now() + settled_after end
  from quota.users u where u.id = new.user_id;
  return null;
end $$;

-- Resets, adjustments, grants, plans and custom limits all end here. A call does not: its app counts it
-- itself, and the columns that a call updates do not fire this.
create or replace trigger usage_quotas_cache_updated
  after update of limit_quantity, cost_limit, granted, adjusted, closed_at, superseded on quota.usage_quotas
  for each row
  when ((old.limit_quantity, old.cost_limit, old.granted, old.adjusted, old.closed_at, old.superseded)
      is distinct from (new.limit_quantity, new.cost_limit, new.granted, new.adjusted, new.closed_at,
        new.superseded)
    and quota.keeps_cache())
  execute function quota.outdate_cache();

-- Keys under the app's own names follow each call, too.
create or replace trigger usage_quotas_cache_counted after update of used on quota.usage_quotas
  for each row
  when (new.used <> old.used and new.adjusted = old.adjusted and quota.follows_in_cache(new.meter))
  execute function quota.outdate_cache('call');

-- So they do where a call opens its period, which then holds the call.
create or replace function quota.outdate_opened() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (select from quota.cache_templates) then
    insert into quota.cache_outbox (user_id, external_id, meter, period_start, due_at)
    select n.user_id, u.external_id, n.meter, n.period_start, quota.now() + interval '10 seconds'
    from (select distinct t.meter from quota.cache_templates t) t
    join new_rows n on n.meter = t.meter and n.used <> 0
    join quota.users u on u.id = n.user_id;
  end if;
  return null;
end $$;

create or replace trigger usage_quotas_cache_inserted after insert on quota.usage_quotas
  referencing new table as new_rows for each statement execute function quota.outdate_opened();
