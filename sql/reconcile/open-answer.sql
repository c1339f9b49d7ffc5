create or replace function quota.open_answer() returns void
language plpgsql
as $$
begin
  drop view if exists pg_temp.computed_items;
  drop table if exists pg_temp.computed_rows, pg_temp.computed_days;
  create temp table computed_days (
    day date, model text, billed numeric, logged numeric, billed_seconds numeric, logged_seconds numeric,
    billed_quantity numeric, logged_quantity numeric) on commit drop;
end $$;
comment on function quota.open_answer() is
  'Makes room for an answer: match_by_id begins it, in the temporary view computed_items, through which the '
  'rest is written.';
