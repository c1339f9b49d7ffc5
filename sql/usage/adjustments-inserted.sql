create or replace function quota.adjustments_inserted() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  users uuid[];
  services text[];
  deltas quota.usage_delta[];
begin
  select array_agg(n.user_id), array_agg(m.service),
    array_agg((n.user_id, n.meter, n.period_start, n.quantity, n.quantity, n.cost, 0)::quota.usage_delta)
  into users, services, deltas
  from new_rows n join quota.meters m on m.key = n.meter;
  perform quota.hold_subscriptions(users, services);
  perform quota.apply_usage(deltas);
  return null;
end $$;

create or replace trigger adjustments_inserted after insert on quota.adjustments
  referencing new table as new_rows
  for each statement execute function quota.adjustments_inserted();
