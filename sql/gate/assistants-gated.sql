create or replace function quota.assistants_gated() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  turned uuid[];
  owners uuid[];
begin
  select array_agg(n.id order by n.id), array_agg(distinct n.user_id) into turned, owners
  from new_rows n join old_rows o on o.id = n.id
  where n.is_gated <> o.is_gated;
  if turned is null then
    return null;
  end if;
  perform quota.hold_subscriptions(owners);
  perform quota.hold_assistants(owners);
  -- What is let in call by call gets back what it had, also where it was limited by hand.
  update quota.assistants a set held = null where a.id = any (turned) and a.is_gated and a.held is not null;
  perform quota.queue_changes(array(
    select n.id from new_rows n where n.id = any (turned) and n.is_gated), 'original');
  perform quota.limit_as_owners(owners);
  return null;
end $$;
comment on function quota.assistants_gated() is
  'An assistant whose calls are let in one by one from now on is restored; one whose calls are not any more '
  'is limited where its user is.';

create or replace trigger assistants_gated after update on quota.assistants
  referencing old table as old_rows new table as new_rows
  for each statement execute function quota.assistants_gated();
