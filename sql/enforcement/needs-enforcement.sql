create or replace function quota.needs_enforcement(q quota.usage_quotas) returns boolean
language sql stable
as $$
  select not q.superseded and quota.contains(q, quota.now())
    and (quota.is_exhausted(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit)
        <> (q.exhausted_at is not null)
      or quota.highest_reached(q) is distinct from q.alerted)
$$;
comment on function quota.needs_enforcement(quota.usage_quotas) is
  'Whether a quota of the running period has crossed a threshold or its limit, either way, since that was '
  'last looked at (R9: never a past period).';
