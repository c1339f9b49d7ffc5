create or replace function quota.keep_nobody_erased() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  return case when not exists (
    select from quota.users u where u.id = new.user_id and u.erased_at is not null) then new end;
end $$;
comment on function quota.keep_nobody_erased() is
  'Work that goes on after an erasure, such as restoring assistants, writes nothing down about the person '
  'again.';

create or replace trigger audit_personal_of_nobody before insert on quota.audit_personal
  for each row execute function quota.keep_nobody_erased();

create or replace trigger assistant_originals_of_nobody before insert on quota.assistant_originals
  for each row execute function quota.keep_nobody_erased();
