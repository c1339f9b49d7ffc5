-- Alerts wait here until the webhook or the command of the settings took them. The primary key is "once per alert".

create table quota.alert_deliveries (
  user_id uuid not null,
  meter text not null,
  period_start timestamptz not null,
  threshold integer not null,
  id uuid not null unique default gen_random_uuid(),
  status text not null default 'pending' check (status in ('pending', 'failed', 'delivered', 'expired')),
  attempts integer not null default 0,
  next_attempt_at timestamptz not null default quota.now(),
  last_error text,
  target text,
  settled_at timestamptz,
  primary key (user_id, meter, period_start, threshold),
  foreign key (user_id, meter, period_start, threshold) references quota.usage_alerts on delete cascade
);
comment on column quota.alert_deliveries.id is 'Sent along: a receiver that saw it before can drop a repetition.';
comment on column quota.alert_deliveries.status is 'expired: older than anybody wants to hear of when it could have been delivered.';
create index alert_deliveries_due on quota.alert_deliveries (next_attempt_at) where status in ('pending', 'failed');

create function quota.queue_alerts() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  insert into quota.alert_deliveries (user_id, meter, period_start, threshold)
  select n.user_id, n.meter, n.period_start, n.threshold from new_rows n
  order by n.user_id, n.meter, n.period_start, n.threshold
  on conflict do nothing;
  return null;
end $$;

insert into quota.alert_deliveries (user_id, meter, period_start, threshold, next_attempt_at)
select user_id, meter, period_start, threshold, crossed_at from quota.usage_alerts;
create trigger usage_alerts_queued after insert on quota.usage_alerts
  referencing new table as new_rows for each statement execute function quota.queue_alerts();

create function quota.claim_alerts(batch_size integer, lease interval)
returns table (id uuid, attempts integer, payload jsonb)
language sql security definer set search_path = pg_catalog, pg_temp
as $$
  with claimed as (
    update quota.alert_deliveries d
    set attempts = d.attempts + 1, next_attempt_at = quota.now() + lease
    where (d.user_id, d.meter, d.period_start, d.threshold) in (
      select c.user_id, c.meter, c.period_start, c.threshold from quota.alert_deliveries c
      where c.status in ('pending', 'failed') and c.next_attempt_at <= quota.now()
      order by c.next_attempt_at limit batch_size for update skip locked)
    returning d.*
  )
  select c.id, c.attempts, jsonb_build_object(
    'id', c.id, 'type', 'usage.alert', 'level', a.level, 'threshold', a.threshold, 'percent', a.percent::text,
    'crossedAt', to_char(a.crossed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'user', jsonb_build_object('id', u.id, 'externalId', u.external_id), 'service', m.service, 'plan', s.plan,
    'meter', a.meter, 'unit', m.unit,
    'period', jsonb_build_object(
      'start', case when isfinite(q.period_start) then to_char(q.period_start at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') end,
      'end', case when isfinite(q.period_end) then to_char(q.period_end at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') end),
    'used', q.used::text, 'limit', (q.limit_quantity + q.granted)::text, 'cost', q.cost::text,
    'costLimit', q.cost_limit::text, 'onExceeded', q.on_exceeded)
  from claimed c
  join quota.usage_alerts a using (user_id, meter, period_start, threshold)
  join quota.usage_quotas q using (user_id, meter, period_start)
  join quota.users u on u.id = c.user_id
  join quota.meters m on m.key = c.meter
  left join quota.subscriptions s on s.user_id = c.user_id and s.service = m.service
  order by a.crossed_at, c.id
$$;
comment on function quota.claim_alerts(integer, interval) is
  'Takes alerts that are due for the time of a lease, with what is to be sent; a sender that dies leaves them due again.';

create function quota.retry_alert(attempts integer) returns interval
language sql immutable parallel safe
as $$ select least(interval '1 minute' * 2 ^ least(attempts - 1, 20), interval '6 hours') $$;
comment on function quota.retry_alert(integer) is 'How long an alert waits after so many failed attempts.';
