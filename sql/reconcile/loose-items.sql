create or replace function quota.loose_items(
  r quota.reconciliations, exports integer[], month_start timestamptz, month_end timestamptz)
returns void
language plpgsql
as $$
begin
  drop table if exists pg_temp.loose_items, pg_temp.loose_lines, pg_temp.open_lines;
  create temp table loose_items on commit drop as
  with repeated as (
    select c.log_id from pg_temp.computed_items c
    where c.export_id is not null and c.log_id is not null
    group by c.log_id having count(*) > 1
  )
  select c.place, c.log_id, c.export_id, c.line,
    c.export_id is not null
      and (c.log_id is null or c.kind = 'outside_month'
        or c.log_id in (select log_id from repeated)) as is_open
  from pg_temp.computed_items c
  where c.kind <> 'matched' or c.log_month is not null or c.log_id in (select log_id from repeated);
  -- They are few as a rule, and the planner has to know.
  analyze pg_temp.loose_items;

  create temp table loose_lines on commit drop as
  select l.export_id, l.line, l.external_id, l.assistant_id, quota.line_at(l) as at, l.created_at,
    l.started_at, l.ended_at,
    l.duration_seconds, quota.stated_seconds(l.duration_seconds, l.status) as stated_seconds, l.cost,
    quota.part_keys(l.charge, l.started_at, l.ended_at) as parts,
    quota.line_kind(l, month_start, month_end) as kind, i.place, i.log_id, i.is_open
  from pg_temp.loose_items i join quota.billing_lines l on l.export_id = i.export_id and l.line = i.line
  where l.export_id = any (exports);
  analyze pg_temp.loose_lines;

  create temp table open_lines on commit drop as
  select l.*, l.log_id as log_before, l.kind is distinct from 'duplicate_line' as takes_log, false as follows,
    l.cost as whole_cost
  from pg_temp.loose_lines l where l.is_open;
  analyze pg_temp.open_lines;
end $$;
comment on function quota.loose_items(quota.reconciliations, integer[], timestamptz, timestamptz) is
  'Makes the temporary tables loose_items and loose_lines, all but what plainly matches: everything after '
  'the join by id looks at them alone. And open_lines, those that the join did not settle: they have no log '
  'around the month, share it, or belong to another month.';
