create or replace function quota.deltas_of(
  p_sign integer, p_user uuid, p_service text, p_model text, p_status text, p_started_at timestamptz,
  p_duration_seconds numeric, p_messages integer, p_cost numeric)
returns setof quota.usage_delta
language sql stable
as $$
  select q.user_id, q.meter, q.period_start,
    p_sign * quota.quantity_of(m.unit, p_status, p_duration_seconds, p_messages), 0::numeric,
    p_sign * quota.cost_of(
      p_cost, m.unit, quota.quantity_of(m.unit, p_status, p_duration_seconds, p_messages), q.unit_price),
      p_sign
  from quota.meters m
  join quota.usage_quotas q on q.user_id = p_user and q.meter = m.key and quota.contains(q, p_started_at)
  where m.service = p_service and quota.counts_model(m.models, p_model)
$$;
comment on function quota.deltas_of(
  integer, uuid, text, text, text, timestamptz, numeric, integer, numeric) is
  'What one call adds to (1) or takes from (-1) each quota that counts it, superseded ones too. Inlined, for '
  'lateral joins with many calls.';
