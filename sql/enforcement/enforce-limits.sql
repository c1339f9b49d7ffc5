create or replace function quota.enforce_limits(
  batch_size integer, run uuid default null, only_user uuid default null,
  reason text default 'over the allowance',
  out users uuid[], out services text[])
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  fresh quota.usage_quotas[];
begin
  perform quota.refuse_other_users(array[only_user]);
  -- Those that a writer or a reset holds are left to it: it enforces what it writes.
  select array_agg(o.user_id), array_agg(o.service) into users, services
  from (
    select s.user_id, s.service
    from quota.subscriptions s
    where s.limit_enforced_at is null and (only_user is null or s.user_id = only_user)
      and exists (
        select 1 from quota.usage_quotas q join quota.meters m on m.key = q.meter
        where q.user_id = s.user_id and m.service = s.service and quota.calls_for_limit(q))
    order by s.user_id, s.service
    limit batch_size
    for no key update skip locked
  ) o;
  if users is null then
    return;
  end if;

  -- Read again under the lock. Usage that was not of the running period when it was logged has marked nothing
  -- exhausted (R9): that is made up for here.
  select array_agg(q order by q.user_id, q.meter) filter (where q.exhausted_at is null) into fresh
  from quota.usage_quotas q join quota.meters m on m.key = q.meter
  where (q.user_id, m.service) in (select * from unnest(users, services)) and quota.calls_for_limit(q);
  select array_agg(o.user_id order by o.user_id, o.service),
    array_agg(o.service order by o.user_id, o.service)
  into users, services
  from (
    select distinct q.user_id, m.service
    from quota.usage_quotas q join quota.meters m on m.key = q.meter
    where (q.user_id, m.service) in (select * from unnest(users, services)) and quota.calls_for_limit(q)
  ) o;
  if users is null then
    return;
  end if;
  perform quota.hold_assistants(enforce_limits.users);
  -- Limited as of now: also those whose limit was lifted by hand, which are marked exhausted already.
  perform quota.mark_limited(users, services, true);
  if fresh is not null then
    perform quota.enforce(fresh);
  end if;
  insert into quota.audit_log (action, user_id, service, run_id, reason)
  select 'limit.enforced', o.user_id, o.service, run, enforce_limits.reason
  from unnest(users, services) o(user_id, service);
end $$;
comment on function quota.enforce_limits(integer, uuid, uuid, text) is
  'Limits up to batch_size users who are over their allowance and not limited; returns who they were, null '
  'when none was left.';
