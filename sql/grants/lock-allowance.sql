create or replace function quota.lock_allowance(p_user uuid, p_service text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform quota.hold_subscriptions(array[p_user], array[p_service]);
  -- A look of its own, which sees what is so once the lock is held. Nearly always all is open: what opens it
  -- reads a dozen tables, and to plan that was more than half of the first call of a connection.
  if coalesce((
    select bool_or(not exists (
      select from quota.usage_quotas q
      where q.user_id = p_user and q.meter = l.meter and quota.contains(q, quota.now())
        and not q.superseded))
    from quota.subscriptions s
    join quota.plan_limits l on l.plan = s.plan
    where s.user_id = p_user and s.service = p_service), true)
  then
    perform quota.open_running(array[p_user], array[p_service]);
  end if;
end $$;
comment on function quota.lock_allowance(uuid, text) is
  'Opens and locks the running quotas of a user''s service, so that changes to its allowance are made one '
  'after another.';
