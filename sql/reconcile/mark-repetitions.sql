create or replace function quota.mark_repetitions(r quota.reconciliations) returns void
language plpgsql
as $$
declare
  earlier integer[];
begin
  -- A line of another month that an earlier export billed in its own month is billed again.
  select array_agg(distinct x.export_id) into earlier
  from quota.reconciliations other join quota.reconciliation_exports x on x.reconciliation_id = other.id
  where other.provider = r.provider and other.id <> r.id
    and other.month in (select date_trunc('month', o.at at time zone 'UTC') from pg_temp.open_lines o
      where o.kind = 'outside_month');
  if earlier is not null then
    update pg_temp.open_lines o set kind = 'duplicate_line', takes_log = false
    where o.kind = 'outside_month' and exists (
      select 1
      from quota.billing_lines l
      join quota.reconciliation_exports x on x.export_id = l.export_id
      join quota.reconciliations other on other.id = x.reconciliation_id
      where l.export_id = any (earlier) and l.export_id < o.export_id and l.external_id = o.external_id
        and other.provider = r.provider and other.id <> r.id
        and other.month = date_trunc('month', o.at at time zone 'UTC')
        -- Further parts of a call, on another invoice, were not billed before.
        and (o.parts is null
          or quota.part_keys(l.charge, l.started_at, l.ended_at, l.invoice_month) && o.parts));
  end if;

  if exists (select 1 from pg_temp.open_lines o where o.parts is not null) then
    perform quota.mark_parts();
  end if;

  -- One line of an id takes its log: a settled one before an unsettled one, the first of equals. Settled
  -- lines after the first are repetitions.
  update pg_temp.open_lines o
  set kind = coalesce(o.kind, 'duplicate_line'), takes_log = false
  from (
    select l.export_id, l.line, row_number() over (
      partition by l.external_id
      order by array_position(array['unsettled', 'not_connected', 'outside_month'], l.kind) nulls first,
        l.created_at, l.started_at, l.ended_at, l.duration_seconds, l.cost, l.export_id, l.line) as place
    from pg_temp.open_lines l where l.external_id is not null and l.takes_log
  ) ranked
  where ranked.place > 1 and o.export_id = ranked.export_id and o.line = ranked.line;

  update pg_temp.open_lines set log_id = null where not takes_log;
  update pg_temp.open_lines o set log_id = g.id
  from quota.call_logs g
  where o.takes_log and o.log_id is null and g.provider = r.provider and g.provider_call_id = o.external_id
    -- By an array, so that logs of shards are asked for these alone.
    and g.provider_call_id = any (array(
      select n.external_id from pg_temp.open_lines n
      where n.takes_log and n.log_id is null and n.external_id is not null));
end $$;
comment on function quota.mark_repetitions(quota.reconciliations) is
  'Finds the repetitions among open_lines, which take no log, and the logs of the others in any month.';
