create or replace function quota.idle_calls(idle interval, only_user uuid default null)
returns setof quota.call_logs
language sql stable
as $$
  select l.* from quota.call_logs l
  where l.status = 'active' and l.started_at < quota.now() - idle
    and (only_user is null or l.user_id = only_user)
    and not exists (
      select 1 from quota.concurrent_processing p where p.user_id = l.user_id and p.call_log_id = l.id)
$$;
comment on function quota.idle_calls(interval, uuid) is
  'Calls without a lease that have been active for longer than idle.';
