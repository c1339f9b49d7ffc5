create or replace function quota.store_discrepancies(reconciliation uuid) returns void
language plpgsql
as $$
begin
  -- What is no longer found is forgotten, unless somebody has worked on it.
  update quota.discrepancies d set is_current = false
  where d.reconciliation_id = reconciliation and d.is_current and d.resolution is not null
    and not exists (
      select 1 from pg_temp.computed_discrepancies c where c.kind = d.kind and c.subject = d.subject);
  delete from quota.discrepancies d
  where d.reconciliation_id = reconciliation and d.resolution is null
    and not exists (
      select 1 from pg_temp.computed_discrepancies c where c.kind = d.kind and c.subject = d.subject);

  -- A resolution was given to these amounts: with others, or found again after its correction, it is open
  -- again.
  update quota.discrepancies d
  set export_id = c.export_id, line = c.line, log_id = c.log_id, user_id = c.user_id, owner_id = c.owner_id,
    assistant_id = c.assistant_id, started_at = c.started_at, billed_seconds = c.billed_seconds,
    logged_seconds = c.logged_seconds, billed_quantity = c.billed_quantity,
    logged_quantity = c.logged_quantity, billed = c.billed, logged = c.logged, is_current = true,
    resolution = case when c.is_same then d.resolution end,
    resolved_at = case when c.is_same then d.resolved_at end,
    resolved_by = case when c.is_same then d.resolved_by end, reason = case when c.is_same then d.reason end
  from (
    select c.*, d.id, d.resolution is distinct from 'corrected'
      and (d.billed, d.logged, d.billed_seconds, d.logged_seconds, d.billed_quantity, d.logged_quantity)
        is not distinct from (c.billed, c.logged, c.billed_seconds, c.logged_seconds, c.billed_quantity,
          c.logged_quantity) as is_same
    from pg_temp.computed_discrepancies c
    join quota.discrepancies d on d.reconciliation_id = reconciliation and d.kind = c.kind
      and d.subject = c.subject
  ) c
  where d.id = c.id
    and (not c.is_same or not d.is_current
      or (d.export_id, d.line, d.log_id, d.user_id, d.owner_id, d.assistant_id, d.started_at)
        is distinct from (c.export_id, c.line, c.log_id, c.user_id, c.owner_id, c.assistant_id,
          c.started_at));

  insert into quota.discrepancies
    (reconciliation_id, kind, subject, export_id, line, log_id, day, model, external_id, user_id, owner_id,
     assistant_id, started_at, billed_seconds, logged_seconds, billed_quantity, logged_quantity, billed,
     logged)
  select reconciliation, c.kind, c.subject, c.export_id, c.line, c.log_id, c.day, c.model, c.external_id,
    c.user_id, c.owner_id, c.assistant_id, c.started_at, c.billed_seconds, c.logged_seconds,
    c.billed_quantity, c.logged_quantity,
    c.billed, c.logged
  from pg_temp.computed_discrepancies c
  where not exists (
    select 1 from quota.discrepancies d
    where d.reconciliation_id = reconciliation and d.kind = c.kind and d.subject = c.subject)
  -- In an order that does not depend on that of the file.
  order by c.kind, c.started_at, c.subject;
end $$;
comment on function quota.store_discrepancies(uuid) is
  'Brings discrepancies to computed_discrepancies; resolutions stay.';
