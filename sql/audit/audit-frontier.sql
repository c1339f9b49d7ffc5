create or replace function quota.audit_frontier() returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  -- Ids are not committed in their order. Once nobody is writing, no row up to the last id can appear any
  -- more; the lock is let go with the transaction, before anything is sealed.
  lock table quota.audit_log in share mode;
  insert into quota.audit_complete (last_id) select coalesce(max(a.id), 0) from quota.audit_log a
  on conflict (is_only) do update set last_id = greatest(audit_complete.last_id, excluded.last_id);
  return (select c.last_id from quota.audit_complete c);
end $$;
comment on function quota.audit_frontier() is
  'Up to which id the audit log is complete; kept for quota.seal_audit. Waits for running writers and holds '
  'new ones for that long: call it in a transaction of its own.';
