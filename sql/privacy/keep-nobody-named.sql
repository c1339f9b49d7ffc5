create or replace function quota.keep_nobody_named() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (select from quota.users u where u.id = new.user_id and u.erased_at is not null) then
    new.name := null;
  end if;
  return new;
end $$;
comment on function quota.keep_nobody_named() is
  'The name of an assistant may be that of a person: whatever is told later, one of an erased user has none.';

create or replace trigger assistants_of_nobody before insert or update on quota.assistants
  for each row when (new.name is not null) execute function quota.keep_nobody_named();
