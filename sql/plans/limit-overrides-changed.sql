create or replace function quota.limit_overrides_changed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'DELETE' then
    perform quota.retake_terms(array(select distinct user_id from old_rows));
  elsif tg_op = 'INSERT' then
    perform quota.retake_terms(array(select distinct user_id from new_rows));
  else
    perform quota.retake_terms(array(select user_id from new_rows union select user_id from old_rows));
  end if;
  return null;
end $$;

create or replace trigger limit_overrides_inserted after insert on quota.limit_overrides
  referencing new table as new_rows
  for each statement execute function quota.limit_overrides_changed();

create or replace trigger limit_overrides_updated after update on quota.limit_overrides
  referencing old table as old_rows new table as new_rows
  for each statement execute function quota.limit_overrides_changed();

create or replace trigger limit_overrides_deleted after delete on quota.limit_overrides
  referencing old table as old_rows
  for each statement execute function quota.limit_overrides_changed();
