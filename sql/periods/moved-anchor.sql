create or replace function quota.moved_anchor(anchor_local timestamp, former_tz text, tz text,
  signup timestamptz)
returns timestamp
language sql immutable
as $$
  select case when former_tz = tz then anchor_local
    when not quota.is_known_zone(tz) then anchor_local
    when quota.is_known_zone(former_tz) then (anchor_local at time zone former_tz) at time zone tz
    else signup at time zone tz end
$$;
comment on function quota.moved_anchor(timestamp, text, text, timestamptz) is
  'The same instant on the clocks of another zone; the signup where the former zone is one that the '
  'server does not know.';
