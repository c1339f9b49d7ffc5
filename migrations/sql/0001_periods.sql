-- R2, the one rule for time: boundary k = (anchor_local + k * every) at time zone tz, always counted from the
-- anchor, never chained. Month ends clamp, periods are half-open. Nothing else computes a boundary.

create function quota.guess_period(anchor_local timestamp, every interval, local_at timestamp) returns integer
language plpgsql immutable parallel safe
as $$
declare
  months integer := date_part('year', every) * 12 + date_part('month', every);
  days integer := date_part('day', every);
  seconds float8 := date_part('hour', every) * 3600 + date_part('minute', every) * 60 + date_part('second', every);
begin
  if months < 0 or days < 0 or seconds < 0 or (months = 0 and days = 0 and seconds = 0) then
    raise exception 'a period must be longer than nothing, not "%"', every using errcode = '22023';
  end if;
  -- By mean lengths: a Gregorian month is 2,629,746 seconds.
  return floor(date_part('epoch', local_at - anchor_local) / (months * 2629746.0 + days * 86400.0 + seconds));
end $$;
comment on function quota.guess_period(timestamp, interval, timestamp) is
  'Roughly which period, counted from the anchor, contains a local time; for period_at only.';

create function quota.period_at(anchor_local timestamp, every interval, tz text, at timestamptz) returns tstzrange
language plpgsql immutable parallel safe
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
end $$;
comment on function quota.period_at(timestamp, interval, text, timestamptz) is
  'The period [start, end) that contains an instant. No interval: a lifetime, from -infinity to infinity. Raises 22023 on an interval that is not positive.';

create function quota.periods_between(anchor_local timestamp, every interval, tz text, first timestamptz, last timestamptz)
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

create function quota.limit_anchor(reset_anchor text, boundary text, anchor_local timestamp) returns timestamp
language sql immutable parallel safe
as $$
  select case
    when reset_anchor = 'calendar' then timestamp '2000-01-01 00:00'
    when boundary = 'instant' then anchor_local
    else date_trunc('day', anchor_local)
  end
$$;
comment on function quota.limit_anchor(text, text, timestamp) is
  'The anchor of a plan limit for a subscription: the first of a month, the signup''s midnight or its clock time.';
