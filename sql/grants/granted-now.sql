-- Grants are extra allowance: used after the plan's, the earliest to expire first; what is left survives resets.
-- A quota's `granted` follows from the grants at any time; what a closed period took of them is booked at its close.

create or replace function quota.granted_now(p_user uuid, p_meter text, p_period_start timestamptz, p_used numeric, p_limit numeric)
returns numeric
language sql stable
as $$
  -- What expired within the period still covers what was used of it before.
  select coalesce(sum(g.quantity - g.consumed) filter (where g.expires_at is null or g.expires_at > quota.now()), 0)
    + case when bool_or(g.expires_at <= quota.now()) then least(greatest(p_used - p_limit, 0), (
        select coalesce(sum(s.share), 0) from quota.grant_shares(p_user, p_meter, array[p_period_start]) s
        where s.expires_at <= quota.now())) else 0 end
  from quota.grants g
  where g.user_id = p_user and g.meter = p_meter and (g.expires_at is null or g.expires_at > p_period_start)
$$;
comment on function quota.granted_now(uuid, text, timestamptz, numeric, numeric) is
  'The extra allowance of a quota of the running period that has used so much of its limit.';
