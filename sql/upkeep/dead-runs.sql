create or replace function quota.dead_runs() returns table (id uuid, job text, started_at timestamptz)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  -- Whoever runs a job holds its lock from before the run is recorded until after it is finished.
  select r.id, r.job, r.started_at from quota.job_runs r
  where r.status = 'running' and not exists (
    select 1 from pg_locks l
    where l.locktype = 'advisory' and l.objsubid = 1 and l.granted
      and l.database = (select d.oid from pg_database d where d.datname = current_database())
      and (l.classid::bigint << 32 | l.objid::bigint) = quota.lock_key('job ' || r.job))
$$;
comment on function quota.dead_runs() is 'Runs that say they are running, of processes that are gone.';
