-- Nearly all of a bill matches, and a row of its own for each line that does was written beside the line: a third of the
-- matching. They are kept by the thousand now; months of before keep their rows.

create table quota.reconciliation_matches (
  reconciliation_id uuid not null,
  export_id integer not null,
  lines integer[] not null,
  log_ids bigint[] not null,
  billed numeric[] not null,
  logged numeric[],
  billed_sum numeric not null,
  logged_sum numeric not null
);
-- Compressing them costs as much as all the rest of a month.
alter table quota.reconciliation_matches
  alter column lines set storage external, alter column log_ids set storage external,
  alter column billed set storage external, alter column logged set storage external;
comment on table quota.reconciliation_matches is
  'The other part of the answer: lines and logs of the month that match, many in a row; quota.reconciled_items has both.';
comment on column quota.reconciliation_matches.lines is 'Of the export; log_ids, billed and logged are in the same order.';
comment on column quota.reconciliation_matches.logged is 'Null: what was logged is what was billed, for each of them.';
create index reconciliation_matches_month on quota.reconciliation_matches (reconciliation_id, export_id);

comment on table quota.reconciliation_items is
  'The answer: each line and each log of the month once, in the one kind it ends in; aggregates by day and model. But what plainly matches is in reconciliation_matches.';
