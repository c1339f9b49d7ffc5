create or replace function quota.alert_payload(p_user uuid, p_alert uuid) returns jsonb
language sql stable
as $$
  select jsonb_build_object(
    'id', a.id, 'type', case when a.threshold = 0 then 'usage.pace' else 'usage.alert' end,
    'level', quota.alert_level(a.threshold, q.warn_at),
    'threshold', a.threshold,
    'percent', n.percent::text,
    'crossedAt', quota.instant_text(a.crossed_at), 'asOf', quota.instant_text(quota.now()),
    'user', jsonb_build_object('id', u.id, 'externalId', u.external_id), 'service', m.service, 'plan', s.plan,
    'meter', a.meter, 'unit', m.unit, 'period', jsonb_build_object(
      'start', quota.instant_text(q.period_start), 'end', quota.instant_text(q.period_end)),
    'used', q.used::text, 'limit', (q.limit_quantity + g.granted)::text, 'cost', q.cost::text,
    'costLimit', q.cost_limit::text, 'onExceeded', q.on_exceeded,
    'runsOutAt', quota.instant_text(r.at))
  from quota.usage_alerts a
  join quota.usage_quotas q using (user_id, meter, period_start)
  join quota.users u on u.id = a.user_id and u.erased_at is null
  join quota.meters m on m.key = a.meter
  left join quota.subscriptions s on s.user_id = a.user_id and s.service = m.service
  -- Stored grants are right until one expires.
  cross join lateral (
    select case when q.granted > 0 then quota.granted_now(q.user_id, q.meter) else 0 end as granted) g
  cross join lateral (
    select quota.percent_used(q.used, q.limit_quantity + g.granted, q.cost, q.cost_limit) as percent) n
  cross join lateral quota.runs_out_at(q.used, q.adjusted, q.limit_quantity + g.granted, q.cost, q.cost_limit,
    case when q.cost_limit is not null then quota.adjusted_cost(q.user_id, q.meter, q.period_start) end,
    q.calls, q.period_start, q.period_end, quota.now()) r(at)
  where a.user_id = p_user and a.id = p_alert and a.ended_at is null and not q.superseded
    and quota.contains(q, quota.now())
    and case when a.threshold = 0 then r.at is not null
      else a.threshold = any (quota.reached(q.warn_at, n.percent)) end
$$;
comment on function quota.alert_payload(uuid, uuid) is
  'What an alert says, as of now; null: it is not so any more, for usage went down, the allowance up, the '
  'period ended, or the user is gone.';

create or replace function quota.instant_text(at timestamptz) returns text
language sql stable parallel safe
as $$
  select case when isfinite(at) then to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') end
$$;
comment on function quota.instant_text(timestamptz) is 'ISO 8601 UTC with milliseconds; null: unbounded.';
