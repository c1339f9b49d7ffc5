create or replace function quota.assistants_inserted() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  users uuid[];
begin
  -- A user who is being limited right now: that transaction does not see these assistants, nor this one its
  -- mark.
  perform quota.hold_subscriptions(array(select user_id from new_rows));
  select array_agg(distinct s.user_id) into users
  from new_rows n join quota.subscriptions s on s.user_id = n.user_id
  where s.limit_enforced_at is not null;
  if users is not null then
    perform quota.queue_assistants(users, 'limited');
  end if;
  return null;
end $$;

create or replace trigger assistants_inserted after insert on quota.assistants
  referencing new table as new_rows
  for each statement execute function quota.assistants_inserted();
