create or replace function quota.services_of(p_user uuid, p_service text default null)
returns table (service text, plan text)
language sql stable
as $$
  select s.service, s.plan from quota.subscriptions s
  where s.user_id = p_user and (p_service is null or s.service = p_service)
  union all
  select p.service, p.key from quota.plans p
  where p.is_default and (p_service is null or p.service = p_service)
    and not exists (
      select from quota.subscriptions s where s.user_id = p_user and s.service = p.service)
$$;
comment on function quota.services_of(uuid, text) is
  'The plans of a user by service: those subscribed to, and the default ones of services not called yet.';
