create or replace function quota.subscriptions_after_update() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  users uuid[];
  services text[];
begin
  -- Resets and limit marks update subscriptions by the hundred thousand; only changed terms reopen quotas.
  select array_agg(s.user_id), array_agg(s.service) into users, services
  from subscribed s join replaced r using (user_id, service)
  where (s.plan, s.anchor_local, s.timezone) is distinct from (r.plan, r.anchor_local, r.timezone);
  if users is not null then
    perform quota.refresh_quotas(users, services);
  end if;
  return null;
end $$;

create or replace trigger subscriptions_after_update after update on quota.subscriptions
  referencing old table as replaced new table as subscribed
  for each statement execute function quota.subscriptions_after_update();
