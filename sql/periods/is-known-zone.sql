create or replace function quota.is_known_zone(tz text) returns boolean
language plpgsql immutable
as $$
begin
  perform timestamp '2000-01-01' at time zone tz;
  return tz is not null;
exception when invalid_parameter_value then
  return false;
end $$;
comment on function quota.is_known_zone(text) is
  'Whether this server can reckon in a time zone. One that it could when it was stored may be gone '
  'with an update of its time zone data.';
