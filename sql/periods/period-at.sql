-- R2, the one rule for time: boundary k = (anchor_local + k * every) at time zone tz, always counted from the
-- anchor, never chained. Month ends clamp, periods are half-open. Nothing else computes a boundary.

create or replace function quota.period_at(anchor_local timestamp, every interval, tz text, at timestamptz)
returns tstzrange
language plpgsql immutable
as $$
declare
  months integer;
  local_at timestamp;
  k integer;
  starts timestamptz;
  ends timestamptz;
begin
  if every is null then
    return tstzrange('-infinity', 'infinity', '[)');
  end if;
  if anchor_local is null or tz is null or at is null then
    return null;
  end if;
  if not isfinite(at) then
    raise exception 'no period contains "%"', at using errcode = '22023';
  end if;
  months := date_part('year', every) * 12 + date_part('month', every);
  local_at := at at time zone tz;
  -- A first guess, exact for whole months but for the clamped ends; the loops below put it right.
  if months > 0 and every = make_interval(months => months) then
    k := floor(((date_part('year', local_at) - date_part('year', anchor_local)) * 12
      + date_part('month', local_at) - date_part('month', anchor_local)) / months);
  else
    k := quota.guess_period(anchor_local, every, local_at);
  end if;
  starts := (anchor_local + k * every) at time zone tz;
  ends := (anchor_local + (k + 1) * every) at time zone tz;
  while starts > at loop
    k := k - 1;
    ends := starts;
    starts := (anchor_local + k * every) at time zone tz;
  end loop;
  while ends <= at loop
    k := k + 1;
    starts := ends;
    ends := (anchor_local + (k + 1) * every) at time zone tz;
  end loop;
  return tstzrange(starts, ends, '[)');
exception when invalid_parameter_value then
  -- A zone that the server does not know concerns whoever has it, and nobody beside them.
  if quota.is_known_zone(tz) then
    raise;
  end if;
  return null;
end $$;
comment on function quota.period_at(timestamp, interval, text, timestamptz) is
  'The period [start, end) that contains an instant. No interval: a lifetime, from -infinity to infinity. '
  'Null in a zone that the server does not know; raises 22023 on an interval that is not positive.';
