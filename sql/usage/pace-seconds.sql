create or replace function quota.passed_seconds(p_start timestamptz, p_end timestamptz, p_at timestamptz)
returns numeric
language sql immutable parallel safe
as $$
  -- What was used in the first thirtieth of a period is no pace.
  select greatest(extract(epoch from p_at - p_start), extract(epoch from p_end - p_start) / 30)
$$;
comment on function quota.passed_seconds(timestamptz, timestamptz, timestamptz) is
  'In how many seconds what was used of a finite period was used, for its pace. Inlined.';

create or replace function quota.pace_seconds(p_calls bigint, p_start timestamptz, p_end timestamptz)
returns numeric
language sql stable
as $$
  -- A few calls are no pace.
  select case when p_calls >= 5 and isfinite(p_start) and isfinite(p_end) and p_end > quota.now()
    then quota.passed_seconds(p_start, p_end, quota.now()) end
$$;
comment on function quota.pace_seconds(bigint, timestamptz, timestamptz) is
  'The seconds in which the calls of a running period were made, for its pace; null: nothing can be said yet '
  '(fewer than 5 calls), or there is no such period.';
