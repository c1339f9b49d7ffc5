create or replace function quota.limit_users(users uuid[], reason text) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  limiting_users uuid[];
  limiting_services text[];
begin
  perform quota.refuse_other_users(users);
  -- Who has no plan that answers excess with limited assistants gets the default one, as with a first call.
  select array_agg(p.user_id), array_agg(p.service) into limiting_users, limiting_services
  from (
    select s.user_id, s.service
    from quota.subscriptions s
    where s.user_id = any (users) and exists (
      select 1 from quota.plan_limits l where l.plan = s.plan and l.on_exceeded = 'limit_assistants')
    union
    select u.user_id, p.service
    from unnest(users) u(user_id)
    join quota.plans p on p.is_default and exists (
      select 1 from quota.plan_limits l where l.plan = p.key and l.on_exceeded = 'limit_assistants')
    where not exists (
      select 1 from quota.subscriptions s where s.user_id = u.user_id and s.service = p.service)
  ) p;
  if limiting_users is null then
    return 0;
  end if;
  perform quota.lock_subscriptions(limiting_users, limiting_services);
  update quota.assistants a set held = null where a.user_id = any (users) and a.held = 'original';
  insert into quota.audit_log (action, user_id, service, reason, before, after)
  select 'limit.applied', s.user_id, s.service, limit_users.reason,
    jsonb_build_object('limitEnforcedAt', s.limit_enforced_at),
    jsonb_build_object('limitEnforcedAt', quota.now())
  from quota.subscriptions s
  where (s.user_id, s.service) in (select * from unnest(limiting_users, limiting_services))
    and s.limit_enforced_at is null;
  perform quota.mark_limited(limiting_users, limiting_services, true);
  return (
    select count(*) from quota.assistant_limits l
    where l.user_id = any (users) and l.desired = 'limited' and l.status in ('pending', 'failed'));
end $$;
comment on function quota.limit_users(uuid[], text) is
  'Limits users by hand, until their next reset or until somebody lifts it; returns how many of their '
  'assistants are queued.';
