create or replace function quota.stray_leases(only_user uuid default null)
returns table (user_id uuid, id uuid, call_log_id bigint, expires_at timestamptz, problem text)
language sql stable
as $$
  select c.user_id, c.id, c.call_log_id, c.expires_at, p.problem
  from quota.concurrent_processing c
  left join quota.call_logs l on l.id = c.call_log_id
  cross join lateral (select case
    when c.call_log_id is null then case when c.expires_at <= quota.now() then 'its time is over' end
    when l.id is null then 'its call is gone'
    when l.user_id <> c.user_id or l.service <> c.service then 'its call is another''s'
    when l.status <> 'active' then 'its call has ended'
    end) p(problem)
  where p.problem is not null and (only_user is null or c.user_id = only_user)
  order by c.expires_at
$$;
comment on function quota.stray_leases(uuid) is
  'Leases that hold a reservation for no running session, and why: reap-stale takes them away.';
