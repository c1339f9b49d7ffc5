create or replace function quota.meter_unopened(p_user uuid, p_meter text) returns jsonb
language plpgsql stable
as $$
declare
  answer jsonb;
begin
  -- In a language that keeps its plans: a check of somebody who has used nothing of one meter asks for this.
  select quota.meter_left(l.meter, m.unit, 0, t.limit_quantity,
    quota.remaining_of(t.limit_quantity + t.granted, 0, t.cost_limit, 0, m.unit, l.unit_price, 0),
    quota.percent_used(0, t.limit_quantity + t.granted, 0, t.cost_limit), 0, t.cost_limit,
    upper(quota.period_at(
      quota.limit_anchor(l.reset_anchor, l.boundary, s.anchor_local), l.reset_every, s.timezone,
      quota.now())))
  into answer
  from quota.meters m
  join quota.subscriptions s on s.user_id = p_user and s.service = m.service
  join quota.plan_limits l on l.plan = s.plan and l.meter = m.key
  left join quota.limit_overrides o on o.user_id = p_user and o.plan = s.plan and o.meter = m.key
  cross join lateral (select coalesce(o.limit_quantity, l.limit_quantity) as limit_quantity,
    coalesce(o.cost_limit, l.cost_limit) as cost_limit,
    case when exists (select from quota.grants g where g.user_id = p_user and g.meter = m.key)
      then quota.granted_now(p_user, m.key) else 0 end as granted) t
  where m.key = p_meter;
  return answer;
end $$;
comment on function quota.meter_unopened(uuid, text) is
  'What is left of a meter of which a user has used nothing in the running period, while no session of the '
  'user runs, as quota.meter_left tells it.';
