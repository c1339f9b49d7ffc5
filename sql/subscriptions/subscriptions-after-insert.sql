create or replace function quota.subscriptions_after_insert() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  users uuid[];
  services text[];
begin
  if current_setting('quota.counting', true) = 'on' then
    return null; -- Whoever makes these subscriptions counts their calls, once all locks are held.
  end if;
  -- Calls that were logged before there was a plan count from here on.
  select array_agg(s.user_id), array_agg(s.service) into users, services
  from subscribed s
  where exists (select 1 from quota.call_logs l where l.user_id = s.user_id and l.service = s.service);
  if users is not null then
    perform quota.refresh_quotas(users, services);
  end if;
  return null;
end $$;

create or replace trigger subscriptions_after_insert after insert on quota.subscriptions
  referencing new table as subscribed
  for each statement execute function quota.subscriptions_after_insert();
