create or replace function quota.current_quotas(p_user uuid)
returns table (
  user_id uuid, service text, plan text, meter text, unit text, period_start timestamptz,
  period_end timestamptz, limit_quantity numeric, cost_limit numeric, unit_price numeric, warn_at integer[],
  on_exceeded text, used numeric, adjusted numeric, granted numeric, cost numeric, calls integer,
  exhausted_at timestamptz, percent numeric, state text)
language sql stable
as $$
  select c.user_id, c.service, c.plan, c.meter, c.unit, c.period_start, c.period_end, c.limit_quantity,
    c.cost_limit,
    c.unit_price, c.warn_at, c.on_exceeded, c.used, c.adjusted, c.granted, c.cost, c.calls, c.exhausted_at,
    c.percent,
    quota.quota_state(
      c.percent, quota.is_exhausted(c.used, c.limit_quantity + c.granted, c.cost, c.cost_limit), c.warn_at)
  from (
    select l.user_id, l.service, l.plan, m.key as meter, m.unit,
      -- In a zone that the server does not know the period that is open is all that there is.
      coalesce(lower(p.period), q.period_start) as period_start,
      coalesce(upper(p.period), q.period_end) as period_end,
      case when q.user_id is null then l.limit_quantity else q.limit_quantity end as limit_quantity,
      case when q.user_id is null then l.cost_limit else q.cost_limit end as cost_limit,
      case when q.user_id is null then l.unit_price else q.unit_price end as unit_price,
      coalesce(q.warn_at, l.warn_at) as warn_at, coalesce(q.on_exceeded, l.on_exceeded) as on_exceeded,
      coalesce(q.used, 0) as used, coalesce(q.adjusted, 0) as adjusted, coalesce(q.granted, 0) as granted,
      coalesce(q.cost, 0) as cost, coalesce(q.calls, 0) as calls, q.exhausted_at,
      quota.percent_used(
        coalesce(q.used, 0),
        case when q.user_id is null then l.limit_quantity else q.limit_quantity end + coalesce(q.granted, 0),
        coalesce(q.cost, 0),
        case when q.user_id is null then l.cost_limit else q.cost_limit end) as percent
    from quota.user_limits l
    join quota.meters m on m.key = l.meter
    cross join lateral quota.period_at(
      quota.limit_anchor(l.reset_anchor, l.boundary, l.anchor_local), l.reset_every, l.timezone,
      quota.now()) p(period)
    left join quota.usage_quotas q on q.user_id = l.user_id and q.meter = l.meter
      and not q.superseded and q.period_start = coalesce(lower(p.period), (
        select max(o.period_start) from quota.usage_quotas o
        where o.user_id = l.user_id and o.meter = l.meter and not o.superseded
          and quota.contains(o, quota.now())))
    where l.user_id = p_user
  ) c
$$;
comment on function quota.current_quotas(uuid) is
  'What a user has used of each meter in the period that contains quota.now(), opened or not.';
