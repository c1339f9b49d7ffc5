create or replace function quota.reserved_for(
  p_user uuid, p_service text, p_models text[], p_from timestamptz, p_session bigint)
returns numeric
language sql stable
as $$
  select coalesce(sum(greatest(0, case
      when c.call_log_id = p_session then coalesce(c.progress, 0)
      when c.expires_at > quota.now() then c.reserved
      -- Settled or not, a session whose lease ended counts the same.
      else quota.lease_quantity(c, quota.is_live(p_service), quota.now())
    end - case
      -- A message counts from its start on.
      when l.id is null then 0
      else quota.quantity_of((select min(m.unit) from quota.meters m where m.service = p_service), l.status,
        l.duration_seconds, l.messages)
    end)), 0)
  from quota.concurrent_processing c
  left join quota.call_logs l on l.id = c.call_log_id
  where c.user_id = p_user and c.service = p_service and c.started_at >= p_from
    and coalesce(l.status, 'active') = 'active' and quota.counts_model(p_models, l.model)
$$;
comment on function quota.reserved_for(uuid, text, text[], timestamptz, bigint) is
  'What running sessions that began in a period, from p_from on, may still use of a meter with these models, '
  'in the unit of the service; of the call p_session only what it has used.';
