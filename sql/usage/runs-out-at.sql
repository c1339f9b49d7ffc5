create or replace function quota.runs_out_at(
  p_used numeric, p_adjusted numeric, p_allowance numeric, p_cost numeric, p_cost_limit numeric,
  p_adjusted_cost numeric, p_calls integer, p_start timestamptz, p_end timestamptz)
returns timestamptz
language sql stable
as $$
  -- Before PostgreSQL 17 nothing can be taken from an infinite end: it is asked for first.
  select case when isfinite(p_end) then
    case when g.seconds < extract(epoch from p_end - quota.now())
      then quota.now() + make_interval(secs => round(g.seconds)::float8) end
    end
  from (
    -- Resets and corrections change what is left, not how fast it goes.
    select case when not quota.is_exhausted(p_used, p_allowance, p_cost, p_cost_limit)
      then least((p_allowance - p_used) / nullif(greatest(p_used - p_adjusted, 0), 0),
          (p_cost_limit - p_cost) / nullif(greatest(p_cost - coalesce(p_adjusted_cost, 0), 0), 0))
        * quota.pace_seconds(p_calls, p_start, p_end) end
      as seconds
  ) g
$$;
comment on function quota.runs_out_at(
  numeric, numeric, numeric, numeric, numeric, numeric, integer, timestamptz, timestamptz) is
  'When an allowance (limit and grants) or a cost limit is used up at the mean pace of the running period; '
  'null: not before its reset, or nothing can be said yet: fewer than 5 calls, no period, used up already.';
