create or replace function quota.assistants_moved() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  moved uuid[];
  owners uuid[];
  concerned uuid[];
begin
  select array_agg(n.id order by n.id), array_agg(distinct n.user_id) into moved, owners
  from new_rows n join old_rows o on o.id = n.id
  where n.user_id <> o.user_id;
  if moved is null then
    return null;
  end if;
  -- Whoever limits or frees one of the owners right now is waited for: see lock_subscriptions.
  concerned := owners || array(select o.user_id from old_rows o where o.id = any (moved));
  perform quota.hold_subscriptions(concerned);
  perform quota.hold_assistants(concerned);
  update quota.assistant_limits l set user_id = n.user_id, updated_at = quota.now()
  from new_rows n
  where l.assistant_id = n.id and n.id = any (moved);
  -- From now on it is what its new owner is: limited or not.
  perform quota.queue_assistants(owners, 'original');
  perform quota.limit_as_owners(owners);
  return null;
end $$;
comment on function quota.assistants_moved() is
  'An assistant that changes hands takes its original along, and is limited or restored as its new owner is.';

create or replace trigger assistants_moved after update on quota.assistants
  referencing old table as old_rows new table as new_rows
  for each statement execute function quota.assistants_moved();
