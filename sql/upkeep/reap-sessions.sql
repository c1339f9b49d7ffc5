create or replace function quota.reap_sessions(batch_size integer, run uuid, only_user uuid default null)
returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  sessions bigint[];
  reaped integer;
begin
  select array_agg(c.call_log_id) into sessions
  from (
    select c.call_log_id from quota.concurrent_processing c
    where c.expires_at <= quota.now() and (only_user is null or c.user_id = only_user)
    order by c.expires_at limit batch_size
  ) c;
  -- In the order of whoever ends a session: the call, its subscription, its lease.
  perform 1 from quota.call_logs l where l.id = any (sessions) and l.status = 'active' order by l.id
  for no key update;
  with settled as (
    update quota.call_logs l
    set status = 'error', error_message = 'session did not end', duration_seconds = d.seconds,
      ended_at = l.started_at + make_interval(secs => coalesce(d.seconds, 0)::float8)
    from quota.concurrent_processing c
    cross join lateral (
      select case when exists (select 1 from quota.meters m where m.service = c.service and m.unit = 'second')
        then round(least(
          c.reserved, extract(epoch from greatest(quota.now() - c.started_at, interval '0')), 604800), 3) end
        as seconds) d
    where l.id = any (sessions) and c.user_id = l.user_id and c.call_log_id = l.id
      and c.expires_at <= quota.now()
      and l.status = 'active'
    returning l.id, l.user_id, l.service, l.duration_seconds, c.reserved, c.expires_at
  )
  insert into quota.audit_log (action, user_id, service, subject, reason, before, after, run_id)
  select 'session.reaped', s.user_id, s.service, s.id::text, 'session did not end',
    jsonb_build_object('status', 'active', 'reserved', s.reserved::text, 'expiresAt', s.expires_at),
    jsonb_build_object('status', 'error', 'durationSeconds', s.duration_seconds::text), run
  from settled s;
  delete from quota.concurrent_processing c
  where (c.user_id, c.id) in (
    select e.user_id, e.id from quota.concurrent_processing e
    where e.expires_at <= quota.now() and (only_user is null or e.user_id = only_user)
    order by e.expires_at limit batch_size)
    and not exists (select 1 from quota.call_logs l where l.id = c.call_log_id and l.status = 'active');
  get diagnostics reaped = row_count;
  return reaped;
end $$;
comment on function quota.reap_sessions(integer, uuid, uuid) is
  'Ends up to batch_size sessions whose lease has expired, as errors that lasted what was reserved, or since '
  'their start if that is less; returns how many leases went.';
