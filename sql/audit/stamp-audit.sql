create or replace function quota.stamp_audit() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  is_owner boolean := has_schema_privilege(session_user, 'quota', 'create with grant option');
begin
  -- An identity gives each row a number that its sequence has given. Any other is somebody's own. What needs
  -- a query stands apart: an expression without one is worked out many times faster, row by row.
  if new.id is distinct from pg_sequence_last_value('quota.audit_log_id_seq') then
    if new.id > coalesce(pg_sequence_last_value('quota.audit_log_id_seq'), 0)
      or new.id <= coalesce((select max(s.last_id) from quota.audit_seals s), 0)
    then
      new.id := nextval('quota.audit_log_id_seq');
    end if;
  end if;
  new.login := session_user;
  -- Made-up histories are dated when they would have been; only the owner can make one.
  if not (is_owner and coalesce(current_setting('quota.makes_history', true), '') = 'on') then
    new.recorded_at := clock_timestamp();
    new.xid := pg_current_xact_id();
  end if;
  if not is_owner then
    new.at := quota.now();
    new.actor := quota.actor();
  end if;
  return new;
end $$;
comment on function quota.stamp_audit() is
  'Gives a row of the history its number, times, transaction and login, whatever its writer says. The owner '
  'of the schema may tell the instant of a change and who made it, as jobs do.';

create or replace trigger audit_log_stamped before insert on quota.audit_log
  for each row execute function quota.stamp_audit();
