create or replace function quota.runs_out_at(
  p_used numeric, p_adjusted numeric, p_allowance numeric, p_cost numeric, p_cost_limit numeric,
  p_adjusted_cost numeric, p_calls integer, p_start timestamptz, p_end timestamptz, p_at timestamptz)
returns timestamptz
language sql stable parallel safe
as $$
  -- One expression of few steps, so that it is inlined and soon made ready: each check and each record asks.
  -- A pace is that of a thirtieth of the period at least: whoever has thirty times left of what was used
  -- does not run out before the end, whenever that is.
  select case when p_calls >= 5 and (p_allowance - p_used < 30 * (p_used - p_adjusted)
      or p_cost_limit - p_cost < 30 * (p_cost - coalesce(p_adjusted_cost, 0)))
    then quota.end_at_pace(p_used, p_adjusted, p_allowance, p_cost, p_cost_limit, p_adjusted_cost, p_start,
      p_end, p_at) end
$$;
comment on function quota.runs_out_at(
  numeric, numeric, numeric, numeric, numeric, numeric, integer, timestamptz, timestamptz, timestamptz) is
  'When an allowance (limit and grants) or a cost limit is used up at the mean pace of the running period, '
  'as seen at p_at; null: not before its reset, or nothing can be said yet: fewer than 5 calls, no period, '
  'used up already. Inlined where its arguments are columns and values.';

create or replace function quota.end_at_pace(
  p_used numeric, p_adjusted numeric, p_allowance numeric, p_cost numeric, p_cost_limit numeric,
  p_adjusted_cost numeric, p_start timestamptz, p_end timestamptz, p_at timestamptz)
returns timestamptz
language plpgsql stable parallel safe
as $$
declare
  seconds numeric;
begin
  -- Before PostgreSQL 17 nothing can be taken from an infinite end: it is asked for first.
  if not isfinite(p_start) or not isfinite(p_end) or p_end <= p_at
    or quota.is_exhausted(p_used, p_allowance, p_cost, p_cost_limit)
  then
    return null;
  end if;
  -- Resets and corrections change what is left, not how fast it goes.
  seconds := least((p_allowance - p_used) / nullif(greatest(p_used - p_adjusted, 0), 0),
      (p_cost_limit - p_cost) / nullif(greatest(p_cost - coalesce(p_adjusted_cost, 0), 0), 0))
    * quota.passed_seconds(p_start, p_end, p_at);
  return case when seconds < extract(epoch from p_end - p_at)
    then p_at + make_interval(secs => round(seconds)::float8) end;
end $$;
comment on function quota.end_at_pace(
  numeric, numeric, numeric, numeric, numeric, numeric, timestamptz, timestamptz, timestamptz) is
  'The answer of quota.runs_out_at for whoever may run out: whether anybody may, that function tells.';
