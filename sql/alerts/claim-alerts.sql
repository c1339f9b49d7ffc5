create or replace function quota.claim_alerts(batch_size integer, lease interval)
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
      'start', case when isfinite(q.period_start)
        then to_char(q.period_start at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') end,
      'end', case when isfinite(q.period_end)
        then to_char(q.period_end at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') end),
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
  'Takes alerts that are due for the time of a lease, with what is to be sent; a sender that dies leaves '
  'them due again.';
