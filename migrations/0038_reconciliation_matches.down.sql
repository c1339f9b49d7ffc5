drop view if exists quota.reconciled_items;
-- Months that are closed have them, too.
alter table quota.reconciliation_items disable trigger user;
insert into quota.reconciliation_items (reconciliation_id, log_id, export_id, line, kind, billed, logged)
select m.reconciliation_id, u.log_id, m.export_id, u.line, 'matched', u.billed, coalesce(u.logged, u.billed)
from quota.reconciliation_matches m
  cross join lateral unnest(m.lines, m.log_ids, m.billed, m.logged) as u(line, log_id, billed, logged);
alter table quota.reconciliation_items enable trigger user;
drop table quota.reconciliation_matches;
comment on table quota.reconciliation_items is
  'The answer: each line and each log of the month once, in the one kind it ends in; aggregates by day and model.';
