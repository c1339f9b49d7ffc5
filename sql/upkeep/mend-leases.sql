create or replace function quota.mend_leases(batch_size integer, only_user uuid default null) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  taken integer;
  mended integer;
begin
  delete from quota.concurrent_processing c
  where (c.user_id, c.id) in (
    select w.user_id, w.id from quota.wrong_leases(only_user) w where w.is_stray limit batch_size);
  get diagnostics taken = row_count;
  update quota.concurrent_processing c
  set started_at = l.started_at, reserved = greatest(c.cap, c.progress, 0)
  from quota.call_logs l
  where l.id = c.call_log_id and (c.user_id, c.id) in (
    select w.user_id, w.id from quota.wrong_leases(only_user) w where not w.is_stray limit batch_size);
  get diagnostics mended = row_count;
  return taken + mended;
end $$;
comment on function quota.mend_leases(integer, uuid) is
  'Takes away up to batch_size leases that no running session has, and puts up to as many right that differ '
  'from their calls; returns how many.';
