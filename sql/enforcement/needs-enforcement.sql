create or replace function quota.needs_enforcement(q quota.usage_quotas) returns boolean
language sql volatile
as $$
  select quota.contains(q, quota.now())
    -- A transaction that waited may speak of a period that has ended since it began: what a reset has freed
    -- meanwhile stays free. A clock that is set stands still.
    and (q.period_end > clock_timestamp() or quota.now() <> now())
    and quota.marks_differ(q)
$$;
comment on function quota.needs_enforcement(quota.usage_quotas) is
  'Whether a quota of the running period has crossed a threshold or its limit, either way, since that was '
  'last looked at (R9: never a past period).';
