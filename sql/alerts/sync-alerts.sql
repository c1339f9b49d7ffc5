create type quota.told_alert as (
  user_id uuid, meter text, period_start timestamptz, threshold integer, crossed_at timestamptz,
  is_past boolean);
comment on type quota.told_alert is
  'An alert of a smaller allowance: whether it was never to be told, being of the past.';

create or replace function quota.sync_alerts(quotas quota.usage_quotas[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  told_before quota.told_alert[];
begin
  -- Those that nobody was told of yet go on to be told, of the allowance that is. Those that were told are
  -- over when the allowance was raised: what is still beyond it is told anew.
  with standing as (
    select a.user_id, a.id, q.limit_quantity + q.granted as allowance, q.cost_limit,
      a.threshold = any (quota.reached_by(q)) as is_true, d.status in ('pending', 'failed') as waits,
      d.status = 'past' as is_past, quota.is_raised(
        a.allowance, a.cost_limit, q.limit_quantity + q.granted, q.cost_limit) as is_raised
    from unnest(quotas) q
    join quota.usage_alerts a on a.user_id = q.user_id and a.meter = q.meter
      and a.period_start = q.period_start and a.ended_at is null and a.threshold > 0
    left join quota.alert_deliveries d on d.user_id = a.user_id and d.id = a.id
  ), ended as (
    update quota.usage_alerts a
    set ended_at = case when not s.is_true or not s.waits then quota.now() end,
      allowance = case when s.is_true and s.waits then s.allowance else a.allowance end,
      cost_limit = case when s.is_true and s.waits then s.cost_limit else a.cost_limit end
    from standing s
    where a.user_id = s.user_id and a.id = s.id and (not s.is_true or s.is_raised)
    returning a.*, s.is_true, s.waits, s.is_past
  ), withdrawn as (
    update quota.alert_deliveries d set status = 'withdrawn', settled_at = quota.now()
    from ended e
    where d.user_id = e.user_id and d.id = e.id and e.waits and not e.is_true
  )
  select array_agg((e.user_id, e.meter, e.period_start, e.threshold,
    case when e.is_past then e.crossed_at else quota.now() end, e.is_past)::quota.told_alert)
  into told_before
  from ended e where e.is_true and not e.waits;

  insert into quota.usage_alerts
    (user_id, meter, period_start, threshold, level, percent, crossed_at, allowance, cost_limit)
  select q.user_id, q.meter, q.period_start, c.threshold, quota.alert_level(c.threshold, q.warn_at),
    quota.percent_used(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit),
    coalesce(b.crossed_at, c.at), q.limit_quantity + q.granted, q.cost_limit
  from unnest(quotas) q
  cross join lateral (
    select array_agg(r) as thresholds from unnest(quota.reached_by(q)) r
    where not exists (
      select from quota.usage_alerts a
      where a.user_id = q.user_id and a.meter = q.meter and a.period_start = q.period_start
        and a.threshold = r and a.ended_at is null)
  ) missing
  cross join lateral quota.crossings(q, missing.thresholds) c
  left join unnest(told_before) b on b.user_id = q.user_id and b.meter = q.meter
    and b.period_start = q.period_start and b.threshold = c.threshold
  where missing.thresholds is not null
  order by q.user_id, q.meter, q.period_start, c.threshold
  on conflict do nothing;
  update quota.alert_deliveries d set status = 'past'
  from unnest(told_before) b
  join quota.usage_alerts a on a.user_id = b.user_id and a.meter = b.meter
    and a.period_start = b.period_start and a.threshold = b.threshold and a.ended_at is null
  where b.is_past and d.user_id = a.user_id and d.id = a.id;
end $$;
comment on function quota.sync_alerts(quota.usage_quotas[]) is
  'Raises the alerts that quotas of the running period, given as they stand, call for, and ends those that '
  'are not so any more: who was not told of these is not told. The caller holds the subscriptions.';

create or replace function quota.is_raised(
  former_allowance numeric, former_cost_limit numeric, allowance numeric, cost_limit numeric)
returns boolean
language sql immutable parallel safe
as $$
  -- Null: there was no such limit, or none is there now.
  select coalesce(allowance > former_allowance, former_allowance is not null and allowance is null)
    or coalesce(cost_limit > former_cost_limit, former_cost_limit is not null and cost_limit is null)
$$;
comment on function quota.is_raised(numeric, numeric, numeric, numeric) is
  'Whether an allowance or a cost limit is more than it was.';
