create or replace function quota.keep_former_plans() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  insert into quota.former_plans (user_id, service, until, plan)
  select r.user_id, r.service, quota.now(), r.plan
  from subscribed s join replaced r using (user_id, service)
  where s.plan <> r.plan
  on conflict do nothing; -- Two changes at one instant: the first tells what was before.
  return null;
end $$;

create or replace trigger former_plans_kept after update on quota.subscriptions
  referencing old table as replaced new table as subscribed
  for each statement execute function quota.keep_former_plans();
