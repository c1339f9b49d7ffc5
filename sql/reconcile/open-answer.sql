create or replace function quota.open_answer(r quota.reconciliations, is_stored_at_once boolean) returns void
language plpgsql
as $$
begin
  drop view if exists pg_temp.computed_items;
  drop table if exists pg_temp.computed_rows, pg_temp.computed_days;
  create temp table computed_days (
    day date, model text, billed numeric, logged numeric, billed_seconds numeric, logged_seconds numeric,
    billed_quantity numeric, logged_quantity numeric) on commit drop;
  if is_stored_at_once then
    execute format('create temp view computed_items as
      select i.ctid as place, i.* from quota.reconciliation_items i where i.reconciliation_id = %L', r.id);
    execute format('alter view pg_temp.computed_items alter column reconciliation_id set default %L', r.id);
  else
    create temp table computed_rows (like quota.reconciliation_items) on commit drop;
    alter table pg_temp.computed_rows drop column reconciliation_id;
    create temp view computed_items as select c.ctid as place, c.* from pg_temp.computed_rows c;
  end if;
end $$;
comment on function quota.open_answer(quota.reconciliations, boolean) is
  'Makes the temporary view computed_items, through which the answer is written: a temporary table, to be '
  'compared with what is stored, or where nothing is, the stored items of the month themselves: a million of '
  'them need not be written twice.';
