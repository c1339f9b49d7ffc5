create or replace function quota.reserved_for(
  p_user uuid, p_meter text, p_from timestamptz, p_session bigint)
returns numeric
language sql stable
as $$
  select coalesce(sum(greatest(0, coalesce(quota.quantity_on(m.unit, m.measure, u.unit, case
      when c.call_log_id = p_session then coalesce(c.progress, 0)
      when c.expires_at > quota.now() then c.reserved
      -- Settled or not, a session whose lease ended counts the same.
      else quota.lease_quantity(c, quota.is_live(m.service), quota.now())
    end, null), 0) - case
      -- A message counts from its start on.
      when l.id is null then 0
      else quota.quantity_of(m.unit, m.measure, l.status, l.duration_seconds, l.messages, l.file_size_bytes,
        l.quantities)
    end)), 0)
  from quota.meters m
  cross join lateral quota.service_unit(m.service) u(unit)
  join quota.concurrent_processing c on c.user_id = p_user and c.service = m.service
    and c.started_at >= p_from
  left join quota.call_logs l on l.id = c.call_log_id
  where m.key = p_meter and coalesce(l.status, 'active') = 'active'
    and quota.counts_model(m.models, m.patterns, l.model)
$$;
comment on function quota.reserved_for(uuid, text, timestamptz, bigint) is
  'What running sessions that began in a period, from p_from on, may still use of a meter, in its unit: of '
  'what they reserved in the unit of the service, as the meter counts it; of the call p_session only what it '
  'has used.';
