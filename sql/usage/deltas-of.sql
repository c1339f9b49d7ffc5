create or replace function quota.deltas_of(
  p_sign integer, p_user uuid, p_service text, p_model text, p_status text, p_started_at timestamptz,
  p_duration_seconds numeric, p_messages integer, p_cost numeric, p_file_bytes bigint, p_quantities jsonb)
returns setof quota.usage_delta
language sql stable
as $$
  select c.user_id, c.meter, c.period_start, p_sign * c.quantity, 0::numeric,
    p_sign * quota.cost_of(p_cost, c.unit, c.quantity, c.unit_price), p_sign
  from (
    select q.user_id, q.meter, q.period_start, q.unit_price, m.unit, quota.quantity_of(
      m.unit, m.measure, p_status, p_duration_seconds, p_messages, p_file_bytes, p_quantities) as quantity
    from quota.meter_terms m
    join quota.usage_quotas q on q.user_id = p_user and q.meter = m.key and quota.contains(q, p_started_at)
      and q.period_end > m.since and q.period_end <= m.until
    where m.service = p_service and quota.counts_model(m.models, m.patterns, p_model)
  ) c
$$;
comment on function quota.deltas_of(
  integer, uuid, text, text, text, timestamptz, numeric, integer, numeric, bigint, jsonb) is
  'What one call adds to (1) or takes from (-1) each quota that counts it, superseded ones too. Inlined, for '
  'lateral joins with many calls.';
