create or replace function quota.lift_limits(users uuid[], reason text) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  limited_users uuid[];
  limited_services text[];
begin
  perform quota.refuse_other_users(users);
  perform quota.hold_subscriptions(users);
  select array_agg(s.user_id), array_agg(s.service) into limited_users, limited_services
  from quota.subscriptions s
  where s.user_id = any (users) and s.limit_enforced_at is not null;
  perform quota.hold_assistants(users);
  update quota.assistants a set held = null where a.user_id = any (users) and a.held is not null;
  if limited_users is not null then
    insert into quota.audit_log (action, user_id, service, reason, before, after)
    select 'limit.lifted', s.user_id, s.service, lift_limits.reason,
      jsonb_build_object('limitEnforcedAt', s.limit_enforced_at), jsonb_build_object('limitEnforcedAt', null)
    from quota.subscriptions s
    where (s.user_id, s.service) in (select * from unnest(limited_users, limited_services));
    perform quota.mark_limited(limited_users, limited_services, false);
  end if;
  -- Also those that are left limited although no limit of their user says so.
  perform quota.queue_assistants(users, 'original');
  return (
    select count(*) from quota.assistant_limits l
    where l.user_id = any (users) and l.desired = 'original' and l.status in ('pending', 'failed'));
end $$;
comment on function quota.lift_limits(uuid[], text) is
  'Lifts the limits of users by hand, whatever they have used; returns how many of their assistants are '
  'queued.';
