-- A unique index of a partitioned table needs the month in its key: where quota db partition was run, that a
-- call is there once is held by quota.call_keys, a table that is there only then. Elsewhere nothing of this
-- runs.

create or replace function quota.keep_call_keys() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  keys bigint := 0;
  kept bigint := 0;
  doubtful bigint[];
begin
  if tg_op = 'UPDATE' then
    if not exists (
      select from old_rows o join new_rows n on n.id = o.id
      where (o.provider, o.provider_call_id, o.import_key)
        is distinct from (n.provider, n.provider_call_id, n.import_key))
    then
      return null;
    end if;
  end if;
  if tg_op <> 'INSERT' then
    delete from quota.call_keys k using old_rows o
    where k.call_log_id = o.id and k.provider = o.provider and k.key = o.provider_call_id;
    delete from quota.call_keys k using old_rows o
    where k.call_log_id = o.id and k.provider is null and k.key = o.import_key;
  end if;
  if tg_op = 'DELETE' then
    return null;
  end if;
  select count(n.provider || n.provider_call_id) + count(n.import_key) into keys from new_rows n;
  insert into quota.call_keys (provider, key, call_log_id)
  select n.provider, n.provider_call_id, n.id from new_rows n
  where n.provider is not null and n.provider_call_id is not null
  union all
  select null, n.import_key, n.id from new_rows n where n.import_key is not null
  order by 1, 2
  on conflict do nothing;
  get diagnostics kept = row_count;
  if kept < keys then
    select array_agg(n.id) into doubtful
    from new_rows n
    where not exists (select from quota.call_keys k where k.call_log_id = n.id
        and k.provider = n.provider and k.key = n.provider_call_id)
      or n.import_key is not null and not exists (select from quota.call_keys k where k.call_log_id = n.id
        and k.provider is null and k.key = n.import_key);
    perform quota.take_call_keys(doubtful);
  end if;
  return null;
end $$;

create or replace function quota.take_call_keys(p_calls bigint[]) returns void
language plpgsql
as $$
declare
  l quota.call_logs;
  taken record;
begin
  for l in select c.* from quota.call_logs c where c.id = any (p_calls) order by c.id loop
    -- A key of a call that went while the keys were first written down is nobody's.
    select case when k.provider is null then 'import_key' else 'provider_call' end as name,
      case when k.provider is null then format('(import_key)=(%s)', k.key)
        else format('(provider, provider_call_id)=(%s, %s)', k.provider, k.key) end as key
    into taken
    from quota.call_keys k join quota.call_logs c on c.id = k.call_log_id and c.id <> l.id
    where k.provider = l.provider and k.key = l.provider_call_id
        and c.provider = l.provider and c.provider_call_id = l.provider_call_id
      or k.provider is null and k.key = l.import_key and c.import_key = l.import_key
    limit 1;
    if found then
      raise unique_violation using schema = 'quota', table = 'call_logs',
        constraint = 'call_logs_' || taken.name,
        message = format('duplicate key value violates unique constraint "call_logs_%s"', taken.name),
        detail = format('Key %s already exists.', taken.key);
    end if;
    update quota.call_keys k set call_log_id = l.id
    where k.call_log_id <> l.id and (k.provider = l.provider and k.key = l.provider_call_id
      or k.provider is null and k.key = l.import_key);
  end loop;
end $$;
comment on function quota.take_call_keys(bigint[]) is
  'Gives calls the keys that they have and that no other call has. unique_violation: another one has it.';

create or replace function quota.is_call_known(p_provider text, p_key text) returns boolean
language plpgsql stable
as $$
begin
  return exists (
    select from quota.call_keys k join quota.call_logs l on l.id = k.call_log_id
    where k.provider = p_provider and k.key = p_key);
end $$;
comment on function quota.is_call_known(text, text) is
  'Whether there is a call of this key in any month. To be asked where call_logs is partitioned.';

create or replace trigger call_logs_claim_inserted after insert on quota.call_logs
  referencing new table as new_rows
  for each statement when (to_regclass('quota.call_keys') is not null)
  execute function quota.keep_call_keys();
create or replace trigger call_logs_claim_updated after update on quota.call_logs
  referencing old table as old_rows new table as new_rows
  for each statement when (to_regclass('quota.call_keys') is not null)
  execute function quota.keep_call_keys();
create or replace trigger call_logs_claim_deleted after delete on quota.call_logs
  referencing old table as old_rows
  for each statement when (to_regclass('quota.call_keys') is not null)
  execute function quota.keep_call_keys();
