create or replace function quota.is_zone_name(tz text) returns boolean
language sql stable
as $$
  select case
    when tz = 'UTC' then true
    when tz ~ '^[A-Za-z_]+(/[A-Za-z0-9_+-]+)+$' then quota.is_known_zone(tz)
    -- Names without a place are few, and to be told from abbreviations and rules only by the list.
    else exists (select from pg_timezone_names n where n.name = tz)
  end
$$;
comment on function quota.is_zone_name(text) is
  'Whether a text is a name of the time zone database, as this server has it.';
