create or replace function quota.missing_call_months() returns setof date
language sql stable
as $$
  -- Where the last month of call_logs ends; nothing where it is no partitioned table.
  select m::date
  from (
    select max(substring(pg_get_expr(c.relpartbound, c.oid)
      from $re$TO \('([^']+)'\)$re$)::timestamptz) as until
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = to_regclass('quota.call_logs') and c.relispartition
  ) p
  cross join generate_series(p.until at time zone 'UTC',
    date_trunc('month', quota.now() at time zone 'UTC') + interval '3 months', interval '1 month') m
  order by m
$$;
comment on function quota.missing_call_months() is
  'Months up to three from now that a partitioned call_logs has no partition for yet: their calls lie in '
  'call_logs_rest.';

create or replace function quota.make_call_months() returns integer
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '1s'
as $$
declare
  month date;
  made integer := 0;
begin
  for month in select m from quota.missing_call_months() m loop
    perform quota.make_call_month(month);
    made := made + 1;
  end loop;
  return made;
end $$;
comment on function quota.make_call_months() is
  'Makes the partitions of call_logs that are missing; how many. Waits a second for a table that is in use. '
  'For the owner of the tables.';

create or replace function quota.make_call_month(p_month date) returns void
language plpgsql
as $$
declare
  name text := 'call_logs_' || to_char(p_month, 'YYYY_MM');
  first timestamptz := p_month::timestamp at time zone 'UTC';
  until timestamptz := (p_month + interval '1 month') at time zone 'UTC';
begin
  execute format('create table quota.%I (like quota.call_logs including all excluding identity)', name);
  perform quota.fit_call_partition(name);
  -- What came before its month was made lies in the rest, which nobody may read or write until it is moved.
  lock table quota.call_logs_rest in access exclusive mode;
  execute format(
    'with moved as (delete from quota.call_logs_rest where started_at >= $1 and started_at < $2 returning *)
     insert into quota.%I select * from moved', name)
  using first, until;
  execute format('alter table quota.call_logs attach partition quota.%I for values from (%L) to (%L)',
    name, first, until);
end $$;
comment on function quota.make_call_month(date) is
  'Makes the partition of a month of call_logs, with what lies in call_logs_rest of it.';

create or replace function quota.fit_call_partition(p_name text) returns void
language plpgsql
as $$
begin
  execute format('create unique index %1$I on quota.%2$I (provider, provider_call_id)
    where provider_call_id is not null', p_name || '_provider_call', p_name);
  execute format('create unique index %1$I on quota.%2$I (import_key) where import_key is not null',
    p_name || '_import_key', p_name);
  -- It is read through quota.call_logs, by the policies and rights of that: itself it shows nobody anything.
  execute format('alter table quota.%I enable row level security', p_name);
end $$;
comment on function quota.fit_call_partition(text) is
  'Gives a partition of call_logs what only it can have: unique keys within it, and no door of its own.';
