create or replace function quota.subscriptions_after_update() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  users uuid[];
  services text[];
  recut quota.usage_quotas[];
begin
  -- Resets and limit marks update subscriptions by the hundred thousand; only changed terms reopen quotas.
  -- Two sets are compared, not joined: that costs half.
  select array_agg(c.user_id), array_agg(c.service) into users, services
  from (
    select s.user_id, s.service, s.plan, s.anchor_local, s.timezone from subscribed s
    except
    select r.user_id, r.service, r.plan, r.anchor_local, r.timezone from replaced r
  ) c;
  if users is null then
    return null;
  end if;
  insert into quota.former_plans (user_id, service, until, plan)
  select r.user_id, r.service, quota.now(), r.plan
  from subscribed s join replaced r using (user_id, service)
  where s.plan <> r.plan
  on conflict do nothing; -- Two changes at one instant: the first tells what was before.
  -- The running periods of those whose plan stayed and whose time is cut anew.
  select array_agg(q) into recut
  from subscribed s
  join replaced r using (user_id, service)
  join quota.meters m on m.service = s.service
  join quota.usage_quotas q on q.user_id = s.user_id and q.meter = m.key and not q.superseded
    and quota.contains(q, quota.now())
  where s.plan = r.plan and (s.anchor_local, s.timezone) is distinct from (r.anchor_local, r.timezone);
  perform quota.refresh_quotas(users, services);
  if recut is not null then
    perform quota.carry_usage(recut);
  end if;
  return null;
end $$;

create or replace trigger subscriptions_after_update after update on quota.subscriptions
  referencing old table as replaced new table as subscribed
  for each statement execute function quota.subscriptions_after_update();
