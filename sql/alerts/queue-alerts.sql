create or replace function quota.queue_alerts() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  queued integer;
begin
  -- Usage of the past is no news: it came with an import, or more than a day late. Nor is
  -- what an adopted product still decides by itself.
  with told as (
    insert into quota.alert_deliveries (user_id, meter, period_start, threshold, id, status)
    select n.user_id, n.meter, n.period_start, n.threshold, n.id,
      case when current_setting('quota.backfill', true) = 'on'
          or n.crossed_at < quota.now() - interval '1 day' or quota.in_shadow(m.service)
        then 'past' else 'pending' end
    from new_rows n
    join quota.meters m on m.key = n.meter
    order by n.user_id, n.meter, n.period_start, n.threshold
    on conflict do nothing
    returning status
  )
  -- For whoever listens: what to look at, nothing about a person. Thousands at once are told by their number.
  select count(*) into queued from told where status = 'pending';
  if queued between 1 and 20 then
    perform pg_notify('quota_alerts', jsonb_build_object(
      'id', n.id, 'userId', n.user_id, 'meter', n.meter, 'threshold', n.threshold, 'level', n.level)::text)
    from new_rows n join quota.alert_deliveries d on d.user_id = n.user_id and d.id = n.id
    where d.status = 'pending';
  elsif queued > 20 then
    perform pg_notify('quota_alerts', jsonb_build_object('count', queued)::text);
  end if;
  return null;
end $$;

create or replace trigger usage_alerts_queued after insert on quota.usage_alerts
  referencing new table as new_rows for each statement execute function quota.queue_alerts();
