create or replace function quota.reopen_month(p_reconciliation uuid, p_reason text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  r quota.reconciliations;
  audit bigint;
begin
  perform quota.refuse_other_users(null);
  if coalesce(p_reason, '') = '' then
    raise exception 'opening a month again needs a reason, for the audit log' using errcode = 'QT003';
  end if;
  select * into strict r from quota.reconciliations where id = p_reconciliation for no key update;
  if r.closed_at is null then
    return null;
  end if;
  perform set_config('quota.reopens_month', 'on', true);
  update quota.reconciliations set closed_at = null, closed_by = null, close_reason = null where id = r.id;
  perform set_config('quota.reopens_month', '', true);
  -- Why it was closed lies with the row of the closing, where it can be erased.
  insert into quota.audit_log (action, subject, reason, before)
  values ('reconciliation.reopen', r.provider || ' ' || to_char(r.month, 'YYYY-MM'), p_reason,
    jsonb_build_object(
      'closedAt', to_char(r.closed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      'closedBy', r.closed_by, 'kinds', coalesce(r.totals -> 'kinds', '{}'), 'totals', r.totals -> 'totals'))
  returning id into audit;
  return audit;
end $$;
comment on function quota.reopen_month(uuid, text) is
  'Opens a closed month again, with its row in the history, and returns the id of that; null: it is not '
  'closed. The only way: whatever else touches a closed month is refused with QT007.';
