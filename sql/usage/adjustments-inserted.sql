create or replace function quota.adjustments_inserted() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  deltas quota.usage_delta[];
begin
  perform 1 from quota.subscriptions s
  where (s.user_id, s.service) in (select n.user_id, m.service from new_rows n join quota.meters m on m.key = n.meter)
  order by s.user_id, s.service for no key update;
  select array_agg((d.user_id, d.meter, d.period_start, d.quantity, d.quantity, d.cost, 0)::quota.usage_delta) into deltas
  from (
    select user_id, meter, period_start, sum(quantity) as quantity, sum(cost) as cost
    from new_rows group by user_id, meter, period_start
  ) d;
  if deltas is not null then
    perform quota.apply_usage(deltas);
  end if;
  return null;
end $$;

create or replace trigger adjustments_inserted after insert on quota.adjustments
  referencing new table as new_rows
  for each statement execute function quota.adjustments_inserted();
