create or replace function quota.add_fees(
  r quota.reconciliations, exports integer[], month_start timestamptz, month_end timestamptz)
returns void
language sql
as $$
  insert into pg_temp.computed_rows (export_id, line, kind, billed, logged)
  select l.export_id, l.line,
    case when quota.line_at(l) < month_start or quota.line_at(l) >= month_end then 'outside_month'
      else 'fee' end,
    coalesce(l.cost, 0), 0
  from quota.billing_lines l
  where l.export_id = any (exports)
    and (l.kind = 'fee' or (l.kind = 'aggregate' and (l.day < month_start::date or l.day >= month_end::date)))
    and (l.export_id, l.line) not in (select s.export_id, s.line from pg_temp.repeated_sums s);
  insert into pg_temp.computed_rows (export_id, line, day, model, kind, billed, logged)
  select l.export_id, l.line, l.day, quota.model_family(l.model), 'duplicate_line', coalesce(l.cost, 0), 0
  from pg_temp.repeated_sums s join quota.billing_lines l on l.export_id = s.export_id and l.line = s.line
$$;
comment on function quota.add_fees(quota.reconciliations, integer[], timestamptz, timestamptz) is
  'Adds fees, credits, days of other months, and sums that are stated twice to computed_rows.';
