create or replace function quota.refuse_unknown_zones() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  wrong text;
begin
  -- Names of places only: an abbreviation knows no summer time, and "UTC+3" means three hours west of
  -- Greenwich.
  if tg_op = 'INSERT' then
    -- "offset 0": each is looked at once, not once for each row.
    select z.timezone into wrong from (select distinct timezone from new_rows offset 0) z
    where not quota.is_zone_name(z.timezone) limit 1;
  else
    select z.timezone into wrong
    from (select timezone from new_rows except select timezone from old_rows offset 0) z
    where not quota.is_zone_name(z.timezone) limit 1;
  end if;
  if wrong is not null then
    raise exception 'unknown time zone "%"', quota.shown(wrong) using errcode = '22023',
      hint = 'write it like Europe/Berlin, or UTC; three hours east of Greenwich are Etc/GMT-3';
  end if;
  return null;
end $$;

create or replace trigger users_zones_inserted after insert on quota.users
  referencing new table as new_rows for each statement execute function quota.refuse_unknown_zones();
create or replace trigger users_zones_updated after update on quota.users
  referencing old table as old_rows new table as new_rows
  for each statement execute function quota.refuse_unknown_zones();
create or replace trigger subscriptions_zones_inserted after insert on quota.subscriptions
  referencing new table as new_rows for each statement execute function quota.refuse_unknown_zones();
