create or replace function quota.keep_owner_unnamed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (
    select from quota.users u where u.id in (new.user_id, new.owner_id) and u.erased_at is not null)
  then
    new.reason := 'erased';
  end if;
  return new;
end $$;

-- Whose call it is and whose assistant made it may be two people.
create or replace trigger discrepancies_of_nobody before insert or update of reason on quota.discrepancies
  for each row when (new.reason is not null) execute function quota.keep_owner_unnamed();
