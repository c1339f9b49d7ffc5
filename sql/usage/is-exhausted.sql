create or replace function quota.is_exhausted(
  used numeric, allowance numeric, cost numeric, cost_limit numeric)
returns boolean
language sql immutable parallel safe
as $$ select coalesce(used >= allowance, false) or coalesce(cost >= cost_limit, false) $$;
comment on function quota.is_exhausted(numeric, numeric, numeric, numeric) is
  'Whether nothing is left: the allowance or the cost limit is reached.';
