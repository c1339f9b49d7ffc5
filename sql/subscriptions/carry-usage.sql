create or replace function quota.carry_usage(former quota.usage_quotas[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  carried quota.usage_quotas[];
begin
  -- The present cut's period that stands in place of the former running one is the one whose start is nearest
  -- to its
  -- start. Where that is later, what was used between the two would be free.
  select array_agg(q) into carried
  from unnest(former) q
  cross join lateral quota.quota_terms(q.user_id, q.meter, q.period_start, q.period_start) t
  where isfinite(q.period_start) and q.used > 0
    and q.period_start - t.period_start > t.period_end - q.period_start;
  if carried is null then
    return;
  end if;
  with successors as (
    select q, s.*
    from unnest(carried) q
    cross join lateral quota.quota_terms(q.user_id, q.meter, q.period_start, q.period_start) t
    cross join lateral quota.quota_terms(q.user_id, q.meter, t.period_end, t.period_end) s
  )
  insert into quota.usage_quotas
    (user_id, meter, period_start, period_end, limit_quantity, cost_limit, unit_price, warn_at, on_exceeded,
      granted, alerted)
  select user_id, meter, period_start, period_end, limit_quantity, cost_limit, unit_price, warn_at,
    on_exceeded, granted, quota.mark_unseen(0, limit_quantity + granted, 0, cost_limit, warn_at)
  from successors
  on conflict do nothing;

  insert into quota.adjustments (user_id, meter, period_start, kind, quantity, cost, reason)
  select n.user_id, n.meter, n.period_start, 'carried', part.quantity - before.quantity,
    part.cost - before.cost,
    'used since ' || to_char(q.period_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI"Z"')
      || ', when the period began before the time zone was changed'
  from unnest(carried) q
  cross join lateral quota.quota_terms(q.user_id, q.meter, q.period_start, q.period_start) t
  join quota.usage_quotas n on n.user_id = q.user_id and n.meter = q.meter and n.period_start = t.period_end
  cross join lateral quota.usage_until(q, least(n.period_start, quota.now())) part
  cross join lateral (
    select coalesce(sum(a.quantity), 0) as quantity, coalesce(sum(a.cost), 0) as cost from quota.adjustments a
    where a.user_id = n.user_id and a.meter = n.meter and a.period_start = n.period_start
      and a.kind = 'carried') before
  where part.quantity > before.quantity or part.cost > before.cost
  order by n.user_id, n.meter, n.period_start;
end $$;
comment on function quota.carry_usage(quota.usage_quotas[]) is
  'After a change of zone or anchor: what was used in a former running period and would lie before the '
  'period that takes its place is carried into that one, so that no change gives an allowance twice. '
  'The caller holds the subscriptions.';
