create or replace function quota.lift_spent_limits(users uuid[], services text[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  freed_users uuid[];
  freed_services text[];
begin
  select array_agg(s.user_id order by s.user_id, s.service),
    array_agg(s.service order by s.user_id, s.service)
  into freed_users, freed_services
  from unnest(users, services) u(user_id, service)
  join quota.subscriptions s using (user_id, service)
  where s.limit_enforced_at is not null and not quota.must_be_limited(s.user_id, s.service);
  if freed_users is not null then
    perform quota.mark_limited(freed_users, freed_services, false);
  end if;
end $$;
comment on function quota.lift_spent_limits(uuid[], text[]) is
  'Lifts the limits of (user, service) pairs whose quota is over, or gone with the former plan.';
