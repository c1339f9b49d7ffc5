-- The answer is stored only where it differs from what is stored, so that running again changes nothing.

create or replace function quota.store_items(reconciliation uuid) returns bigint
language plpgsql
as $$
declare
  changed bigint := 0;
begin
  if not exists (select 1 from quota.reconciliation_items i where i.reconciliation_id = reconciliation) then
    insert into quota.reconciliation_items
      (reconciliation_id, log_id, export_id, line, log_month, day, model, kind, billed, logged)
    select reconciliation, c.log_id, c.export_id, c.line, c.log_month, c.day, c.model, c.kind, c.billed,
      c.logged
    from pg_temp.computed_items c;
    get diagnostics changed = row_count;
    return changed;
  end if;

  drop table if exists pg_temp.changed_items;
  create temp table changed_items on commit drop as
  select i.place, c.log_id, c.export_id, c.line, c.log_month, c.day, c.model, c.kind, c.billed, c.logged
  from (
    select i.ctid as place, i.*, coalesce(i.export_id, 0) as e, coalesce(i.line, 0) as n,
      case when i.line is null then i.log_id end as g,
      coalesce(i.day, 'epoch') as d, coalesce(i.model, '') as m
    from quota.reconciliation_items i where i.reconciliation_id = reconciliation
  ) i
  full join (
    select c.*, coalesce(c.export_id, 0) as e, coalesce(c.line, 0) as n,
      case when c.line is null then c.log_id end as g,
      coalesce(c.day, 'epoch') as d, coalesce(c.model, '') as m
    from pg_temp.computed_items c
  ) c on c.e = i.e and c.n = i.n and coalesce(c.g, 0) = coalesce(i.g, 0) and c.d = i.d and c.m = i.m
  where (i.kind, i.log_id, i.log_month, i.billed, i.logged)
    is distinct from (c.kind, c.log_id, c.log_month, c.billed, c.logged);
  get diagnostics changed = row_count;

  delete from quota.reconciliation_items i using pg_temp.changed_items c where i.ctid = c.place;
  insert into quota.reconciliation_items
    (reconciliation_id, log_id, export_id, line, log_month, day, model, kind, billed, logged)
  select reconciliation, c.log_id, c.export_id, c.line, c.log_month, c.day, c.model, c.kind, c.billed,
    c.logged
  from pg_temp.changed_items c where c.kind is not null;
  return changed;
end $$;
comment on function quota.store_items(uuid) is
  'Brings reconciliation_items to computed_items; how many differed.';
