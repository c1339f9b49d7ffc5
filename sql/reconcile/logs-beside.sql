create or replace function quota.logs_beside(
  r quota.reconciliations, month_start timestamptz, month_end timestamptz, around_start timestamptz,
  around_end timestamptz)
returns setof quota.call_logs
language sql stable
as $$
  select g.*
  from quota.call_logs g
  where g.provider = r.provider
    and (g.started_at >= around_start and g.started_at < month_start
      or g.started_at >= month_end and g.started_at <= around_end)
    and not exists (
      select 1 from pg_temp.computed_rows c where c.log_id = g.id)
    and not exists (
      select 1 from quota.reconciled_items i
      where i.log_id = g.id and i.export_id is not null and i.reconciliation_id in (
        select o.id from quota.reconciliations o
        where o.provider = r.provider and o.month in (r.month - interval '1 month',
          r.month + interval '1 month')))
$$;
comment on function quota.logs_beside(
  quota.reconciliations, timestamptz, timestamptz, timestamptz, timestamptz) is
  'Logs just before and after the month that no line has, here or in the months beside.';
