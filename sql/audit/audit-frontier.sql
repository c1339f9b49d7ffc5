create or replace function quota.audit_frontier() returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  -- Ids are not committed in their order. Once nobody is writing, no row up to the last id can appear any
  -- more; the lock is let go with the transaction, before anything is sealed.
  lock table quota.audit_log in share mode;
  return coalesce((select max(id) from quota.audit_log), 0);
end $$;
comment on function quota.audit_frontier() is
  'Up to which id the audit log is complete. Waits for running writers and holds new ones for that long: '
  'call it in a transaction of its own.';
