create or replace function quota.standing_of(p_user uuid, p_service text default null)
returns table (
  service text, plan text, meter text, unit text, limit_quantity numeric, cost_limit numeric,
  unit_price numeric, used numeric, granted numeric, cost numeric, percent numeric, state text,
  period_start timestamptz, period_end timestamptz, runs_out_at timestamptz, calls integer,
  exhausted_at timestamptz)
language sql stable
as $$
  select c.service, c.plan, c.meter, c.unit, c.limit_quantity, c.cost_limit, c.unit_price, c.used, c.granted,
    c.cost, c.percent, c.state, c.period_start, c.period_end,
    quota.runs_out_at(c.used, c.adjusted, c.limit_quantity + c.granted, c.cost, c.cost_limit,
      case when c.cost_limit is not null then quota.adjusted_cost(c.user_id, c.meter, c.period_start) end,
      c.calls, c.period_start, c.period_end, quota.now()),
    c.calls, c.exhausted_at
  from quota.current_quotas(p_user) c
  where p_service is null or c.service = p_service
  union all
  -- Of the services that the user has not called yet: what the first call would open.
  select p.service, p.key, l.meter, m.unit, l.limit_quantity, l.cost_limit, l.unit_price, 0, 0, 0, n.percent,
    quota.quota_state(
      n.percent, quota.is_exhausted(0, l.limit_quantity, 0, l.cost_limit), l.warn_at),
    lower(n.period), upper(n.period), null, 0, null
  from quota.known_or_new(p_user) u
  join quota.plans p on p.is_default and (p_service is null or p.service = p_service)
    and not exists (
      select from quota.subscriptions s where s.user_id = p_user and s.service = p.service)
  join quota.plan_limits l on l.plan = p.key
  join quota.meters m on m.key = l.meter
  cross join lateral (
    select quota.percent_used(0, l.limit_quantity, 0, l.cost_limit) as percent,
      quota.period_at(
        quota.limit_anchor(
          l.reset_anchor, l.boundary,
          quota.moved_anchor(null, null, coalesce(p.timezone, u.timezone), u.created_at)),
        l.reset_every, coalesce(p.timezone, u.timezone), quota.now()) as period) n
$$;
comment on function quota.standing_of(uuid, text) is
  'What a user has used of each meter in the running period, also of services not called yet, whose default '
  'plan is shown, and also for quota.newcomer().';
