create or replace function quota.refuse_change() returns trigger
language plpgsql
as $$
begin
  raise exception '% on quota.% is refused: facts and history are never destroyed', lower(tg_op),
    tg_table_name
    using errcode = 'QT005', hint = 'Write a correcting entry (an adjustment, a new audit row) instead.';
end $$;

create or replace trigger audit_log_append_only before update or delete or truncate on quota.audit_log
  for each statement execute function quota.refuse_change();

create or replace trigger adjustments_append_only before delete or truncate on quota.adjustments
  for each statement execute function quota.refuse_change();

-- A reason may name a person: an erasure takes it out, and nothing else changes.
create or replace trigger adjustments_unchanged before update on quota.adjustments
  for each row when (new.reason <> 'erased' or to_jsonb(old) - 'reason' <> to_jsonb(new) - 'reason')
  execute function quota.refuse_change();

create or replace trigger users_kept before delete or truncate on quota.users
  for each statement execute function quota.refuse_change();

create or replace trigger call_logs_not_truncated before truncate on quota.call_logs
  for each statement execute function quota.refuse_change();

create or replace trigger assistant_originals_kept before update or truncate on quota.assistant_originals
  for each statement execute function quota.refuse_change();

-- What a person could be known by, raw and description, is taken out when a user is erased.
create or replace trigger billing_lines_unchanged
  before truncate or update of export_id, line, kind, external_id, assistant_id, model, status, created_at,
  started_at, ended_at,
    duration_seconds, quantity, unit, cost, day, charge, invoice_month
  on quota.billing_lines for each statement execute function quota.refuse_change();

create or replace trigger reconciliation_items_kept before truncate on quota.reconciliation_items
  for each statement execute function quota.refuse_change();

create or replace trigger reconciliation_matches_kept before truncate on quota.reconciliation_matches
  for each statement execute function quota.refuse_change();

create or replace trigger discrepancies_kept before truncate on quota.discrepancies
  for each statement execute function quota.refuse_change();

create or replace trigger plan_versions_append_only before delete or truncate on quota.plan_versions
  for each statement execute function quota.refuse_change();

create or replace trigger plan_versions_unchanged before update on quota.plan_versions
  for each row when (
    new.reason is distinct from 'erased' or to_jsonb(old) - 'reason' <> to_jsonb(new) - 'reason')
  execute function quota.refuse_change();

create or replace trigger audit_seals_append_only before update or delete or truncate on quota.audit_seals
  for each statement execute function quota.refuse_change();
