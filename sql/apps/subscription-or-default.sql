create or replace function quota.subscription_or_default(p_user uuid, p_service text)
returns quota.subscriptions
language plpgsql stable
as $$
declare
  subscription quota.subscriptions;
  plan quota.plans;
begin
  select * into subscription from quota.subscriptions s where s.user_id = p_user and s.service = p_service;
  if found then
    return subscription;
  end if;
  select * into plan from quota.plans p
  where p.service = p_service and case when p_user is null then p.anonymous else p.is_default end;
  if plan.key is null and not exists (select 1 from quota.meters m where m.service = p_service) then
    raise exception 'unknown service "%"', quota.shown(p_service) using errcode = 'QT002';
  end if;
  subscription.plan := plan.key;
  if p_user is not null then
    select quota.moved_anchor(null, null, coalesce(plan.timezone, u.timezone), u.created_at),
      coalesce(plan.timezone, u.timezone)
    into subscription.anchor_local, subscription.timezone
    from quota.known_or_new(p_user) u;
    if not found then
      raise exception 'unknown user %', p_user using errcode = 'QT001';
    end if;
  end if;
  return subscription;
end $$;
comment on function quota.subscription_or_default(uuid, text) is
  'The subscription of a user, else plan, anchor and zone of the one that a first call would make, also for '
  'quota.newcomer(); a null user has the anonymous plan. No plan: there is none. QT002: unknown '
  'service, QT001: unknown user.';
