create or replace function quota.price_of(l quota.call_logs) returns numeric
language sql stable
as $$
  select coalesce(l.cost, (
    -- Meters of one unit count the same, one a part of the other; what is told by meter is each its own.
    select sum(p.cost) from (
      select max(quota.cost_of(null, m.unit, quota.quantity_of(m.unit, m.measure, l.status,
        l.duration_seconds, l.messages, l.file_size_bytes, l.quantities), q.unit_price)) as cost
      from quota.meter_terms m
      join quota.usage_quotas q on q.user_id = l.user_id and q.meter = m.key and not q.superseded
        and quota.contains(q, l.started_at) and q.period_end > m.since and q.period_end <= m.until
      where m.service = l.service and quota.counts_model(m.models, m.patterns, l.model)
      group by case when l.quantities ? m.key then m.key else m.unit end) p), 0)
$$;
comment on function quota.price_of(quota.call_logs) is
  'What a call cost: as logged, else by the price of its plan, as its quota counts it.';
