create or replace function quota.logs_told_elsewhere(r quota.reconciliations) returns setof bigint
language sql stable
as $$
  select i.log_id
  from quota.reconciliation_items i join quota.reconciliations o on o.id = i.reconciliation_id
  where i.log_month = r.month and i.kind <> 'outside_month' and o.provider = r.provider and o.id <> r.id
$$;
comment on function quota.logs_told_elsewhere(quota.reconciliations) is
  'Logs of the month whose lines, by the clock of the bill, belong to others: they are told there.';
