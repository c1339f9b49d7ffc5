create or replace function quota.periods_between(
  anchor_local timestamp, every interval, tz text, first timestamptz, last timestamptz)
returns setof tstzrange
language plpgsql immutable parallel safe rows 2
as $$
declare
  period tstzrange := quota.period_at(anchor_local, every, tz, first);
begin
  while lower(period) <= last loop
    return next period;
    exit when upper(period) = 'infinity';
    period := quota.period_at(anchor_local, every, tz, upper(period));
  end loop;
end $$;
comment on function quota.periods_between(timestamp, interval, text, timestamptz, timestamptz) is
  'The periods, in order, from the one that contains first to the one that contains last.';
