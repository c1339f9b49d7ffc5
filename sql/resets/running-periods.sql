create or replace function quota.running_periods(claimed quota.subscriptions[], reset_at timestamptz)
returns table (
  user_id uuid, service text, due_at timestamptz, limit_enforced_at timestamptz, meter text,
  limit_quantity numeric, cost_limit numeric, unit_price numeric, warn_at integer[], on_exceeded text,
  period_start timestamptz, period_end timestamptz, missed bigint)
language sql stable
as $$
  with terms as materialized (
    select d.user_id, d.service, d.next_reset_at as due_at, d.limit_enforced_at, d.timezone, l.meter,
      coalesce(o.limit_quantity, l.limit_quantity) as limit_quantity,
      coalesce(o.cost_limit, l.cost_limit) as cost_limit, l.unit_price, l.warn_at, l.on_exceeded,
      quota.limit_anchor(l.reset_anchor, l.boundary, d.anchor_local) as anchor, l.reset_every
    from unnest(claimed) d
    join quota.plan_limits l on l.plan = d.plan and l.reset_every is not null
    left join quota.limit_overrides o on o.user_id = d.user_id and o.plan = d.plan and o.meter = l.meter
  ), spans as materialized (
    -- Those who signed up on one day share their periods: each is worked out once.
    select a.*, case when lower(a.period) > a.due_at then (
        select count(*) - 1
        from quota.periods_between(a.anchor, a.reset_every, a.timezone, a.due_at, reset_at))
      else 0 end as missed
    from (
      select d.*, quota.period_at(d.anchor, d.reset_every, d.timezone, reset_at) as period
      from (select distinct t.anchor, t.reset_every, t.timezone, t.due_at from terms t offset 0) d
      offset 0
    ) a
  )
  select t.user_id, t.service, t.due_at, t.limit_enforced_at, t.meter, t.limit_quantity, t.cost_limit,
    t.unit_price, t.warn_at, t.on_exceeded, lower(s.period), upper(s.period), s.missed
  from terms t
  join spans s on s.anchor = t.anchor and s.reset_every = t.reset_every and s.timezone = t.timezone
    and s.due_at = t.due_at
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
