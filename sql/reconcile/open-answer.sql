create or replace function quota.open_answer() returns void
language plpgsql
as $$
begin
  drop table if exists pg_temp.computed_rows, pg_temp.computed_plain, pg_temp.computed_days;
  create temp table computed_rows (
    log_id bigint, export_id integer, line integer, log_month date, day date, model text, kind text,
    billed numeric, logged numeric) on commit drop;
  create temp table computed_days (
    day date, model text, billed numeric, logged numeric, billed_seconds numeric, logged_seconds numeric,
    billed_quantity numeric, logged_quantity numeric) on commit drop;
end $$;
comment on function quota.open_answer() is
  'Makes room for an answer. match_by_id makes computed_plain, the lines that plainly match a log of the '
  'month; all else is in computed_rows, and is little.';
