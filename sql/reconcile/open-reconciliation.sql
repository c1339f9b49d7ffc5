create or replace function quota.open_reconciliation(reconciliation uuid) returns quota.reconciliations
language plpgsql
as $$
declare
  r quota.reconciliations;
begin
  perform quota.refuse_other_users(null);
  select * into strict r from quota.reconciliations where id = reconciliation for no key update;
  perform quota.refuse_closed(reconciliation);
  return r;
end $$;
comment on function quota.open_reconciliation(uuid) is
  'Locks a month that is to be changed. QT007 if it is closed.';
