create or replace function quota.mark_unseen(
  used numeric, allowance numeric, cost numeric, cost_limit numeric, warn_at integer[])
returns integer
language sql immutable parallel safe
as $$
  select case when quota.is_exhausted(used, allowance, cost, cost_limit)
    or quota.percent_used(used, allowance, cost, cost_limit) >= any (warn_at) then null else 0 end
$$;
comment on function quota.mark_unseen(numeric, numeric, numeric, numeric, integer[]) is
  'What "alerted" of a quota is at first: 0, it has reached nothing; null, it is to be looked at.';
