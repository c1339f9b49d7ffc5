-- Fires after whatever else settles a new row, by its name: the id must be the one that stays.
create or replace function quota.keep_reason_apart() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  own_salt uuid := gen_random_uuid();
begin
  if exists (select from quota.users u where u.id = new.user_id and u.erased_at is not null) then
    new.reason := null;
    return new;
  end if;
  insert into quota.audit_reasons (audit_id, user_id, salt, reason)
  values (new.id, new.user_id, own_salt, new.reason);
  new.reason := quota.reason_digest(own_salt, new.reason);
  return new;
end $$;

-- An erasure and the end of a period say why in words of the program, which name nobody: they stay.
create or replace trigger audit_log_without_reason before insert on quota.audit_log
  for each row when (new.reason is not null and new.action not in ('user.erased', 'subscription.reset'))
  execute function quota.keep_reason_apart();
