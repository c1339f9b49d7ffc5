create or replace function quota.pair_kind(
  line_owner uuid, log_owner uuid, line_seconds numeric, log_seconds numeric, billed numeric, logged numeric,
  duration_tolerance numeric, cost_tolerance numeric)
returns text
language sql immutable parallel safe
as $$
  select case
    -- Most pairs are equal, which is known without a subtraction.
    when line_owner = log_owner and line_seconds = log_seconds and billed = logged then 'matched'
    when line_owner <> log_owner then 'attribution_mismatch'
    when abs(line_seconds - coalesce(log_seconds, 0)) > duration_tolerance then 'duration_mismatch'
    when abs(billed - logged) > cost_tolerance then 'cost_mismatch'
    else 'matched'
  end
$$;
comment on function quota.pair_kind(uuid, uuid, numeric, numeric, numeric, numeric, numeric, numeric) is
  'How a line and its log compare. A cost that one side does not know (null) is not compared, nor the '
  'seconds of a line that states none.';
