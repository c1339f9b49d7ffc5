-- A lease ends with its session, whoever ends that: a function, a webhook's plain row, an import, a deletion.

create or replace function quota.end_leases() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'DELETE' then
    delete from quota.concurrent_processing c using old_rows o
    where o.status = 'active' and c.user_id = o.user_id and c.call_log_id = o.id;
    return null;
  end if;
  delete from quota.concurrent_processing c
  using old_rows o join new_rows n on n.id = o.id
  where o.status = 'active' and c.user_id = o.user_id and c.call_log_id = o.id
    and (n.status <> 'active' or n.user_id <> o.user_id or n.service <> o.service);
  update quota.concurrent_processing c set started_at = n.started_at
  from old_rows o join new_rows n on n.id = o.id
  where n.started_at <> o.started_at and o.status = 'active' and c.user_id = o.user_id
    and c.call_log_id = o.id;
  return null;
end $$;

create or replace trigger call_logs_updated_leases after update on quota.call_logs
  referencing old table as old_rows new table as new_rows
  for each statement execute function quota.end_leases();
create or replace trigger call_logs_deleted_leases after delete on quota.call_logs
  referencing old table as old_rows
  for each statement execute function quota.end_leases();
