create or replace function quota.guess_period(anchor_local timestamp, every interval, local_at timestamp)
returns integer
language plpgsql immutable parallel safe
as $$
declare
  months integer := date_part('year', every) * 12 + date_part('month', every);
  days integer := date_part('day', every);
  seconds float8 :=
    date_part('hour', every) * 3600 + date_part('minute', every) * 60 + date_part('second', every);
begin
  if months < 0 or days < 0 or seconds < 0 or (months = 0 and days = 0 and seconds = 0) then
    raise exception 'a period must be longer than nothing, not "%"', every using errcode = '22023';
  end if;
  -- By mean lengths: a Gregorian month is 2,629,746 seconds.
  return floor(date_part('epoch', local_at - anchor_local) / (months * 2629746.0 + days * 86400.0 + seconds));
end $$;
comment on function quota.guess_period(timestamp, interval, timestamp) is
  'Roughly which period, counted from the anchor, contains a local time; for period_at only.';
