create or replace function quota.settle_open_lines(
  r quota.reconciliations, month_start timestamptz, month_end timestamptz)
returns void
language plpgsql
as $$
declare
  coarse integer[] := quota.coarse_exports(array(select distinct o.export_id from pg_temp.open_lines o));
begin
  analyze pg_temp.open_lines;
  delete from pg_temp.computed_rows c using pg_temp.open_lines o where o.place = c.ctid;
  delete from pg_temp.computed_rows c
  where c.export_id is null and c.log_id in (select o.log_id from pg_temp.open_lines o);
  insert into pg_temp.computed_rows (log_id, export_id, line, log_month, kind, billed, logged)
  select g.id, o.export_id, o.line,
    case when g.started_at < month_start or g.started_at >= month_end
      then date_trunc('month', g.started_at at time zone 'UTC')::date end,
    coalesce(o.kind, case when g.id is null then 'unlogged' else quota.pair_kind(
      a.user_id, g.user_id, o.stated_seconds, g.duration_seconds, o.whole_cost, g.cost,
      quota.duration_tolerance(r, o.export_id = any (coarse)), r.cost_tolerance) end),
    coalesce(o.cost, 0), coalesce(g.cost, 0)
  from pg_temp.open_lines o
  -- By an array of numbers, so that logs of shards are asked for these alone.
  left join (
    select * from quota.call_logs
    where id = any (array(select n.log_id from pg_temp.open_lines n where n.log_id is not null))
  ) g on g.id = o.log_id
  left join quota.assistants a on a.provider_assistant_id = o.assistant_id
  where not o.follows;

  -- Further parts of a call, in another file of the bill, end where the call does.
  insert into pg_temp.computed_rows (export_id, line, kind, billed, logged)
  select o.export_id, o.line, c.kind, coalesce(o.cost, 0), 0
  from pg_temp.open_lines o
  join pg_temp.open_lines h on h.external_id = o.external_id and h.takes_log
  join pg_temp.computed_rows c on c.export_id = h.export_id and c.line = h.line
  where o.follows;

  -- Logs that lost their line are logs without a line again.
  insert into pg_temp.computed_rows (log_id, kind, billed, logged)
  select g.id, case g.status when 'active' then 'unsettled' else 'unbilled' end, 0, coalesce(g.cost, 0)
  from quota.call_logs g
  where g.id = any (array(
      select o.log_before from pg_temp.open_lines o except select o.log_id from pg_temp.open_lines o))
    and g.started_at >= month_start and g.started_at < month_end
    and g.id not in (select quota.logs_told_elsewhere(r));
end $$;
comment on function quota.settle_open_lines(quota.reconciliations, timestamptz, timestamptz) is
  'Puts open_lines in the place of their rows in computed_rows, with what was found out about them.';
