create or replace function quota.pace_seconds(p_calls bigint, p_start timestamptz, p_end timestamptz)
returns numeric
language sql stable
as $$
  -- A few calls are no pace, nor is what was used in the first thirtieth of a period.
  select case when p_calls >= 5 and isfinite(p_start) and isfinite(p_end) and p_end > quota.now()
    then greatest(extract(epoch from quota.now() - p_start), extract(epoch from p_end - p_start) / 30) end
$$;
comment on function quota.pace_seconds(bigint, timestamptz, timestamptz) is
  'The seconds in which the calls of a running period were made, for its pace; null: nothing can be said yet '
  '(fewer than 5 calls), or there is no such period.';
