create or replace function quota.estimated_of(
  p_user uuid, p_meter text, p_from timestamptz, p_to timestamptz)
returns numeric
language sql stable
as $$
  select coalesce(sum(quota.quantity_of(m.unit, m.measure, l.status, l.duration_seconds, l.messages,
    l.file_size_bytes, l.quantities)), 0)
  from quota.meter_terms m
  join quota.call_logs l on l.service = m.service and quota.counts_model(m.models, m.patterns, l.model)
  where m.key = p_meter and p_to > m.since and p_to <= m.until
    and l.user_id = p_user and l.started_at >= p_from and l.started_at < p_to
    and l.settled_by in ('nobody', 'reservation', 'heartbeat')
$$;
comment on function quota.estimated_of(uuid, text, timestamptz, timestamptz) is
  'The part of what a user used of a meter in a period that is an estimate.';
