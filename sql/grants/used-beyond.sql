create or replace function quota.used_beyond(q quota.usage_quotas, first timestamptz, last timestamptz)
returns numeric
language sql stable
as $$
  select case when last <= first then 0 else
    greatest(quota.used_before(q, last) - q.limit_quantity, 0)
    - case when first <= q.period_start then 0
    else greatest(quota.used_before(q, first) - q.limit_quantity, 0) end end
$$;
comment on function quota.used_beyond(quota.usage_quotas, timestamptz, timestamptz) is
  'How much of the usage between two instants of a quota was beyond its limit.';
