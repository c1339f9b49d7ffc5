create or replace function quota.wrong_leases(only_user uuid default null)
returns table (
  user_id uuid, id uuid, call_log_id bigint, service text, expires_at timestamptz, is_stray boolean,
  problem text)
language sql stable
as $$
  select c.user_id, c.id, c.call_log_id, c.service, c.expires_at, p.is_stray, p.problem
  from quota.concurrent_processing c
  left join quota.call_logs l on l.id = c.call_log_id
  cross join lateral (select
    case
      when c.call_log_id is null then case when c.expires_at <= quota.now() then 'its time is over' end
      when l.id is null then 'its call is gone'
      when l.user_id <> c.user_id or l.service <> c.service then 'its call is another''s'
      when l.status <> 'active' then 'its call has ended'
      when exists (
        select from quota.concurrent_processing o
        where o.user_id = c.user_id and o.call_log_id = c.call_log_id and o.id < c.id)
        then 'its call has another lease'
    end) s(stray)
  cross join lateral (select s.stray is not null, coalesce(s.stray, case
      when c.call_log_id is null then null
      when c.started_at <> l.started_at then 'it begins at another time than its call'
      when c.reserved <> greatest(c.cap, c.progress, 0) then 'it reserves something else than it may use'
    end)) p(is_stray, problem)
  where p.problem is not null and (only_user is null or c.user_id = only_user)
  order by c.expires_at
$$;
comment on function quota.wrong_leases(uuid) is
  'Leases that do not follow from their calls, and why. is_stray: it holds a reservation for no running '
  'session, and reap-stale takes it away; the others are put right by it.';
