create or replace function quota.reopen_after(p_after timestamptz, p_reason text, p_user uuid default null)
returns table (user_id uuid, service text, former_reset timestamptz, reopened integer)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  users uuid[];
  services text[];
begin
  perform quota.refuse_other_users(array[p_user]);
  perform quota.hold_subscriptions(array(
    select distinct s.user_id from quota.subscriptions s
    where s.last_reset_at > p_after and (p_user is null or s.user_id = p_user)));
  select array_agg(s.user_id order by s.user_id, s.service),
    array_agg(s.service order by s.user_id, s.service)
  into users, services
  from quota.subscriptions s where s.last_reset_at > p_after and (p_user is null or s.user_id = p_user);
  if users is null then
    return;
  end if;

  return query
  with periods as (
    update quota.usage_quotas q set closed_at = null, used_at_close = null
    from unnest(users, services) u(user_id, service)
    join quota.meters m on m.service = u.service
    where q.user_id = u.user_id and q.meter = m.key and not q.superseded and q.closed_at > p_after
    returning q.user_id, m.service, q.period_end
  ), counted as (
    select u.user_id, u.service, s.last_reset_at as former_reset, (
        select count(*) from periods p where p.user_id = u.user_id
          and p.service = u.service)::integer as reopened, (
        select min(p.period_end) from periods p where p.user_id = u.user_id and p.service = u.service)
        as first_end, (
        select max(a.at) from quota.audit_log a
        where a.user_id = u.user_id and a.service = u.service and a.action = 'subscription.reset'
          and a.at <= p_after)
        as reset_before
    from unnest(users, services) u(user_id, service)
    join quota.subscriptions s on s.user_id = u.user_id and s.service = u.service
  ), taken_back as (
    update quota.subscriptions s
    set last_reset_at = c.reset_before,
      next_reset_at = least(c.first_end, quota.next_reset(s.plan, s.anchor_local, s.timezone, quota.now()))
    from counted c where s.user_id = c.user_id and s.service = c.service
  ), audited as (
    insert into quota.audit_log (action, user_id, service, reason, before, after)
    select 'subscription.reopened', c.user_id, c.service, p_reason, jsonb_build_object('lastResetAt',
      c.former_reset),
      jsonb_build_object('lastResetAt', c.reset_before, 'periods', c.reopened)
    from counted c order by c.user_id, c.service
  )
  select c.user_id, c.service, c.former_reset, c.reopened from counted c order by c.user_id, c.service;
  perform quota.refresh_quotas(users, services);
end $$;
comment on function quota.reopen_after(timestamptz, text, uuid) is
  'Takes back what resets dated after an instant closed, as if they had not run: their periods are '
  'open again, and the next reset is when the first of them ends, or the one that is due by the real time. '
  'What is over by then is due at once. Audited; one row per subscription.';
