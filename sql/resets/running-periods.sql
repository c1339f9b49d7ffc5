create or replace function quota.running_periods(claimed quota.subscriptions[], reset_at timestamptz)
returns table (
  user_id uuid, service text, due_at timestamptz, limit_enforced_at timestamptz, meter text,
  limit_quantity numeric, cost_limit numeric, unit_price numeric, warn_at integer[], on_exceeded text,
  period_start timestamptz, period_end timestamptz, missed bigint)
language sql stable
as $$
  select d.user_id, d.service, d.next_reset_at, d.limit_enforced_at, l.meter,
    coalesce(o.limit_quantity, l.limit_quantity), coalesce(o.cost_limit, l.cost_limit),
    l.unit_price, l.warn_at, l.on_exceeded, lower(p.period), upper(p.period),
    case when lower(p.period) > d.next_reset_at then (
      select count(*) - 1 from quota.periods_between(
        quota.limit_anchor(l.reset_anchor, l.boundary, d.anchor_local), l.reset_every, d.timezone,
        d.next_reset_at, reset_at))
    else 0 end
  from unnest(claimed) d
  join quota.plan_limits l on l.plan = d.plan and l.reset_every is not null
  left join quota.limit_overrides o on o.user_id = d.user_id and o.plan = d.plan and o.meter = l.meter
  cross join lateral (
    select quota.period_at(
      quota.limit_anchor(l.reset_anchor, l.boundary, d.anchor_local), l.reset_every, d.timezone, reset_at)
      as period
    offset 0) p
$$;
comment on function quota.running_periods(quota.subscriptions[], timestamptz) is
  'The periods that contain the instant of a reset, with the terms that they open under, and how many the '
  'subscription missed before.';

create or replace function quota.closable_since(claimed quota.subscriptions[])
returns table (user_id uuid, service text, meter text, since timestamptz)
language sql stable
as $$
  select d.user_id, d.service, m.key, coalesce((
      select p.period_start from quota.usage_quotas p
      where p.user_id = d.user_id and p.meter = m.key and not p.superseded
        and quota.contains(p, d.last_reset_at)
      order by p.period_start desc limit 1), d.last_reset_at, '-infinity')
  from unnest(claimed) d
  join quota.meters m on m.service = d.service
$$;
comment on function quota.closable_since(quota.subscriptions[]) is
  'From which start on the periods of each meter may be open: all that ended before the last reset is '
  'closed, so that old years need not be looked at.';
