create or replace function quota.assistants_within_plan() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  users uuid[];
  services text[] := array(
    select distinct p.service from quota.plans p
    where p.enforce_max_assistants and p.max_assistants is not null);
  surplus record;
begin
  if services = '{}' then
    return null;
  elsif tg_op = 'INSERT' then
    users := array(select distinct n.user_id from new_rows n where n.state = 'active');
  else
    users := array(
      select distinct n.user_id from new_rows n join old_rows o on o.id = n.id
      where n.state = 'active' and n.user_id <> o.user_id);
  end if;
  if users = '{}' then
    return null;
  end if;
  -- Of two at once the second waits here, and counts the first.
  perform quota.lock_subscriptions(array_agg(u), array_agg(s))
  from unnest(users) u cross join unnest(services) s;
  select u.external_id, p.name, p.max_assistants into surplus
  from quota.subscriptions s
  join quota.plans p on p.key = s.plan and p.enforce_max_assistants
  join quota.users u on u.id = s.user_id
  where s.user_id = any (users) and s.service = any (services) and p.max_assistants < (
    select count(*) from quota.assistants a where a.user_id = s.user_id and a.state = 'active')
  order by u.external_id
  limit 1;
  if found then
    raise exception 'the plan "%" includes % assistants, and "%" would have more', surplus.name,
      surplus.max_assistants, left(surplus.external_id, 60)
      using errcode = 'QT008', hint = 'Remove one, or take a larger plan: quota.add_assistant asks first.';
  end if;
  return null;
end $$;
comment on function quota.assistants_within_plan() is
  'Refuses (QT008) rows of assistants, new ones or another user''s, that are more than a plan includes which '
  'says enforce_max_assistants. What is beyond it already stays, as after a change of plan.';

create or replace trigger assistants_within_plan_inserted after insert on quota.assistants
  referencing new table as new_rows
  for each statement execute function quota.assistants_within_plan();

create or replace trigger assistants_within_plan_updated after update on quota.assistants
  referencing old table as old_rows new table as new_rows
  for each statement execute function quota.assistants_within_plan();
