create or replace function quota.loose_lines(
  exports integer[], month_start timestamptz, month_end timestamptz)
returns void
language plpgsql
as $$
begin
  drop table if exists pg_temp.loose_lines, pg_temp.open_lines;
  -- They are few as a rule, and the planner has to know.
  analyze pg_temp.computed_rows;
  create temp table loose_lines on commit drop as
  select l.export_id, l.line, l.external_id, l.assistant_id, quota.line_at(l) as at, l.created_at,
    l.started_at, l.ended_at,
    l.duration_seconds, quota.stated_seconds(l.duration_seconds, l.status) as stated_seconds, l.cost,
    quota.part_keys(l.charge, l.started_at, l.ended_at, l.invoice_month) as parts,
    quota.line_kind(l, month_start, month_end) as kind, i.place, i.log_id,
    i.log_id is null or i.kind = 'outside_month'
      or i.log_id in (select d.log_id from pg_temp.repeated_logs d) as is_open
  from (select c.ctid as place, c.* from pg_temp.computed_rows c) i
  join quota.billing_lines l on l.export_id = i.export_id and l.line = i.line
  where l.export_id = any (exports);
  analyze pg_temp.loose_lines;

  create temp table open_lines on commit drop as
  select l.*, l.log_id as log_before, l.kind is distinct from 'duplicate_line' as takes_log, false as follows,
    l.cost as whole_cost
  from pg_temp.loose_lines l where l.is_open;
  analyze pg_temp.open_lines;
end $$;
comment on function quota.loose_lines(integer[], timestamptz, timestamptz) is
  'Makes the temporary tables loose_lines, the lines that do not plainly match: everything after the join by '
  'id looks at them alone. And open_lines, those that the join did not settle: they have no log around the '
  'month, share it, or belong to another month.';
