create or replace view quota.reconciled_items with (security_invoker = true) as
select i.reconciliation_id, i.log_id, i.export_id, i.line, i.log_month, i.day, i.model, i.kind, i.billed,
  i.logged
from quota.reconciliation_items i
union all
select m.reconciliation_id, u.log_id, m.export_id, u.line, null, null, null, 'matched', u.billed,
  coalesce(u.logged, u.billed)
from quota.reconciliation_matches m
  cross join lateral unnest(m.lines, m.log_ids, m.billed, m.logged) as u(line, log_id, billed, logged);
comment on view quota.reconciled_items is
  'The answer, a row for each line and each log. What does not match is in reconciliation_items alone: who '
  'asks for other kinds than matched, or for logs without a line, need not look here.';
