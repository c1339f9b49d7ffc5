create or replace function quota.queue_alerts() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  -- Usage of the past is no news: it came with an import, or more than a day late.
  insert into quota.alert_deliveries (user_id, meter, period_start, threshold, id, status)
  select n.user_id, n.meter, n.period_start, n.threshold, n.id,
    case when current_setting('quota.backfill', true) = 'on' or n.crossed_at < quota.now() - interval '1 day'
      then 'past' else 'pending' end
  from new_rows n
  order by n.user_id, n.meter, n.period_start, n.threshold
  on conflict do nothing;
  return null;
end $$;

create or replace trigger usage_alerts_queued after insert on quota.usage_alerts
  referencing new table as new_rows for each statement execute function quota.queue_alerts();
