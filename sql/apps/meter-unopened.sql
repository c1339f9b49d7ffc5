create or replace function quota.meter_unopened(p_user uuid, p_meter text) returns jsonb
language sql stable
as $$
  select quota.meter_left(a.meter, a.unit, a.used, a.limit_quantity, a.remaining, a.percent, a.cost,
    a.cost_limit, a.resets_at)
  from quota.meters m
  join quota.subscriptions s on s.user_id = p_user and s.service = m.service
  cross join lateral quota.allowance_of(p_user, s.plan, s.anchor_local, s.timezone, null, null) a
  where m.key = p_meter and a.meter = p_meter
$$;
comment on function quota.meter_unopened(uuid, text) is
  'What is left of a meter of which a user has used nothing in the running period, as quota.meter_left tells '
  'it.';
