create or replace function quota.mirror_figures(p_user text, p_meter text, p_at timestamptz)
returns table (
  used numeric, allowance numeric, remaining numeric, granted numeric, cost numeric, cost_limit numeric,
  calls integer, exhausted boolean, exhausted_at timestamptz, limit_enforced_at timestamptz,
  last_reset_at timestamptz, period_start timestamptz, period_end timestamptz)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select coalesce(q.used, 0), a.allowance, greatest(a.allowance - coalesce(q.used, 0), 0),
    coalesce(q.granted, 0), coalesce(q.cost, 0), coalesce(q.cost_limit, l.cost_limit), coalesce(q.calls, 0),
    q.exhausted_at is not null, q.exhausted_at, s.limit_enforced_at, s.last_reset_at,
    nullif(q.period_start, '-infinity'), nullif(q.period_end, 'infinity')
  from quota.users u
  join quota.meters m on m.key = p_meter
  join quota.subscriptions s on s.user_id = u.id and s.service = m.service
  left join quota.plan_limits l on l.plan = s.plan and l.meter = m.key
  left join lateral (
    select o.* from quota.usage_quotas o
    where o.user_id = u.id and o.meter = p_meter and quota.contains(o, coalesce(p_at, quota.now()))
      and not o.superseded
    limit 1) q on true
  cross join lateral (
    select case when q.user_id is null then l.limit_quantity else q.limit_quantity + q.granted end
      as allowance) a
  where u.external_id = p_user
$$;
comment on function quota.mirror_figures(text, text, timestamptz) is
  'How a user stands on a meter, for columns of an adopted product; p_at: an instant of the period, null for '
  'now. No row: the user has no subscription yet.';
