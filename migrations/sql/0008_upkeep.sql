-- What was left behind: sessions nobody ended, calls nobody closed, grants that expired in a running period.

create index call_logs_active on quota.call_logs (started_at) where status = 'active';

create function quota.reap_sessions(batch_size integer, run uuid, only_user uuid default null) returns integer
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
  perform 1 from quota.call_logs l where l.id = any (sessions) and l.status = 'active' order by l.id for no key update;
  with settled as (
    update quota.call_logs l
    set status = 'error', error_message = 'session did not end', duration_seconds = d.seconds,
      ended_at = l.started_at + make_interval(secs => coalesce(d.seconds, 0)::float8)
    from quota.concurrent_processing c
    cross join lateral (
      select case when exists (select 1 from quota.meters m where m.service = c.service and m.unit = 'second')
        then round(least(c.reserved, extract(epoch from greatest(quota.now() - c.started_at, interval '0')), 604800), 3) end as seconds) d
    where l.id = any (sessions) and c.user_id = l.user_id and c.call_log_id = l.id and c.expires_at <= quota.now()
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
  'Ends up to batch_size sessions whose lease has expired, as errors that lasted what was reserved, or since their start if that is less; returns how many leases went.';

create function quota.idle_calls(idle interval, only_user uuid default null) returns setof quota.call_logs
language sql stable
as $$
  select l.* from quota.call_logs l
  where l.status = 'active' and l.started_at < quota.now() - idle and (only_user is null or l.user_id = only_user)
    and not exists (select 1 from quota.concurrent_processing p where p.user_id = l.user_id and p.call_log_id = l.id)
$$;
comment on function quota.idle_calls(interval, uuid) is 'Calls without a lease that have been active for longer than idle.';

create function quota.reap_calls(batch_size integer, run uuid, idle interval, only_user uuid default null) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  calls bigint[];
  reaped integer;
begin
  calls := array(select c.id from quota.idle_calls(idle, only_user) c order by c.started_at limit batch_size);
  perform 1 from quota.call_logs l where l.id = any (calls) order by l.id for no key update;
  with settled as (
    update quota.call_logs l set status = 'error', error_message = 'call did not end'
    where l.id = any (calls) and l.status = 'active'
    returning l.id, l.user_id, l.service, l.duration_seconds
  )
  insert into quota.audit_log (action, user_id, service, subject, reason, before, after, run_id)
  select 'call.reaped', s.user_id, s.service, s.id::text, 'call did not end', jsonb_build_object('status', 'active'),
    jsonb_build_object('status', 'error', 'durationSeconds', s.duration_seconds::text), run
  from settled s;
  get diagnostics reaped = row_count;
  return reaped;
end $$;
comment on function quota.reap_calls(integer, uuid, interval, uuid) is
  'Ends up to batch_size calls without a lease that have been active for longer than idle; what they lasted stays unknown until the app or the bill tells.';

create index usage_quotas_granted on quota.usage_quotas (period_end) where granted > 0 and closed_at is null;

create function quota.stale_grants(only_user uuid default null) returns table (user_id uuid, service text)
language sql stable
as $$
  select distinct q.user_id, m.service
  from quota.usage_quotas q
  join quota.meters m on m.key = q.meter
  where q.granted > 0 and q.closed_at is null and q.period_start <= quota.now() and q.period_end > quota.now()
    and (only_user is null or q.user_id = only_user)
    and exists (
      select 1 from quota.grants g
      where g.user_id = q.user_id and g.meter = q.meter and g.expires_at <= quota.now() and g.consumed < g.quantity)
    and q.granted <> quota.granted_now(q.user_id, q.meter, q.period_start, q.used, q.limit_quantity)
$$;
comment on function quota.stale_grants(uuid) is 'Whose running quotas still count a grant that has expired.';

create function quota.reap_grants(batch_size integer, only_user uuid default null) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  users uuid[] := '{}';
  services text[] := '{}';
  pair record;
begin
  for pair in select g.user_id, g.service from quota.stale_grants(only_user) g order by 1, 2 limit batch_size
  loop
    perform quota.lock_allowance(pair.user_id, pair.service);
    users := users || pair.user_id;
    services := services || pair.service;
  end loop;
  if cardinality(users) > 0 then
    perform quota.settle_grants(users, services);
  end if;
  return cardinality(users);
end $$;
comment on function quota.reap_grants(integer, uuid) is
  'Takes expired grants out of up to batch_size running quotas, which may exhaust and limit them; returns how many users'' services.';

create function quota.dead_runs() returns table (id uuid, job text, started_at timestamptz)
language sql stable
as $$
  -- Whoever runs a job holds its lock from before the run is recorded until after it is finished.
  select r.id, r.job, r.started_at from quota.job_runs r
  where r.status = 'running' and not exists (
    select 1 from pg_locks l
    where l.locktype = 'advisory' and l.objsubid = 1
      and l.database = (select d.oid from pg_database d where d.datname = current_database())
      and (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended('quota job ' || r.job, 0))
$$;
comment on function quota.dead_runs() is 'Runs that say they are running, of processes that are gone.';

-- What purge looks through: the rest of the calls has nothing to purge.
create index call_logs_details on quota.call_logs (started_at) where metadata is not null or error_message is not null;

create function quota.purgeable_calls(before timestamptz, batch_size integer) returns setof bigint
language sql stable
as $$
  select l.id from quota.call_logs l
  where (l.metadata is not null or l.error_message is not null) and l.started_at < before and l.status <> 'active'
    -- Finance is done with the month, and no period that is still open has the call.
    and exists (
      select 1 from quota.reconciliations r
      where r.provider = l.provider and r.closed_at is not null
        and r.month = date_trunc('month', l.started_at at time zone 'UTC')::date)
    and not exists (
      select 1 from quota.usage_quotas q join quota.meters m on m.key = q.meter
      where q.user_id = l.user_id and m.service = l.service and q.closed_at is null and isfinite(q.period_end)
        and q.period_start <= l.started_at and q.period_end > l.started_at)
  order by l.started_at
  limit batch_size
$$;
comment on function quota.purgeable_calls(timestamptz, integer) is
  'Calls from before an instant whose details may go: the month is closed by finance, and so are their periods (a lifetime never closes and does not count).';
