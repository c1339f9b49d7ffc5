create or replace function quota.settle_leases(sessions bigint[], run uuid default null) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  settled integer;
begin
  -- In the order of whoever ends a session: the call, its subscription, its lease.
  perform 1 from quota.call_logs l where l.id = any (sessions) and l.status = 'active' order by l.id
  for no key update;
  with settled as (
    update quota.call_logs l
    set status = case when s.in_seconds then 'error' else 'completed' end,
      error_message = 'session did not end',
      duration_seconds = case when s.in_seconds then least(q.quantity, 604800) end,
      messages = case when s.unit = 'message'
        then nullif(least(ceil(q.quantity), 2147483647), 0)::integer else l.messages end,
      quantities = case when s.unit in ('second', 'message') then l.quantities
        else coalesce(l.quantities, '{}') || jsonb_build_object(s.unit || 's',
          case s.unit when 'credit' then trim_scale(q.quantity) else ceil(q.quantity) end) end,
      ended_at = l.started_at
        + make_interval(secs => case when s.in_seconds then least(q.quantity, 604800) else 0 end::float8),
      settled_by = case when c.progress is null then 'reservation' else 'heartbeat' end
    from quota.concurrent_processing c
    cross join lateral (
      select u.unit, u.unit = 'second' as in_seconds from quota.service_unit(c.service) u(unit)) s
    cross join lateral quota.lease_quantity(c, quota.is_live(c.service), quota.now()) q(quantity)
    where l.id = any (sessions) and c.user_id = l.user_id and c.call_log_id = l.id
      and c.expires_at <= quota.now() and l.status = 'active'
    returning l.id, l.user_id, l.service, l.status, l.duration_seconds, l.messages, l.quantities,
      l.settled_by, c.reserved, c.expires_at, c.touched_at
  )
  insert into quota.audit_log (action, user_id, service, subject, reason, before, after, run_id)
  select 'session.reaped', s.user_id, s.service, s.id::text, 'session did not end',
    jsonb_build_object('status', 'active', 'reserved', s.reserved::text, 'expiresAt', s.expires_at,
      'touchedAt', s.touched_at),
    jsonb_build_object('status', s.status, 'durationSeconds', s.duration_seconds::text,
      'messages', s.messages, 'quantities', s.quantities, 'settledBy', s.settled_by), run
  from settled s;
  get diagnostics settled = row_count;
  return settled;
end $$;
comment on function quota.settle_leases(bigint[], uuid) is
  'Settles those of these sessions whose lease has ended and whose end nobody told, at an estimate: their '
  'last sign of life, else what they had reserved. Messages count as sent, seconds as those of an error. '
  'Returns how many; their leases go with them.';
