-- Grants are extra allowance: used after the plan's, the earliest to end first; what is left survives resets.
-- What a grant gave is derived (R1): nothing is booked, so nothing can be booked twice or too late.

create or replace function quota.granted_now(p_user uuid, p_meter text) returns numeric
language sql stable
as $$
  -- What ended within the running period still covers what was used of it before.
  select coalesce(sum(l.left_over + l.given_running), 0) from quota.grant_ledger(p_user, p_meter) l
$$;
comment on function quota.granted_now(uuid, text) is
  'The extra allowance of a user''s meter in the running period.';
