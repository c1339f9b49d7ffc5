create or replace function quota.price_of(l quota.call_logs) returns numeric
language sql stable
as $$
  select coalesce(l.cost, (
    select max(quota.cost_of(
      null, m.unit, quota.quantity_of(m.unit, l.status, l.duration_seconds, l.messages), q.unit_price))
    from quota.meters m
    join quota.usage_quotas q on q.user_id = l.user_id and q.meter = m.key and not q.superseded
      and quota.contains(q, l.started_at)
    where m.service = l.service and quota.counts_model(m.models, l.model)), 0)
$$;
comment on function quota.price_of(quota.call_logs) is
  'What a call cost: as logged, else by the price of its plan, as its quota counts it.';
