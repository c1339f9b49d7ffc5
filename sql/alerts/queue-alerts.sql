create or replace function quota.queue_alerts() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  insert into quota.alert_deliveries (user_id, meter, period_start, threshold)
  select n.user_id, n.meter, n.period_start, n.threshold from new_rows n
  order by n.user_id, n.meter, n.period_start, n.threshold
  on conflict do nothing;
  return null;
end $$;

create or replace trigger usage_alerts_queued after insert on quota.usage_alerts
  referencing new table as new_rows for each statement execute function quota.queue_alerts();
