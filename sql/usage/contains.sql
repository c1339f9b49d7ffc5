create or replace function quota.contains(q quota.usage_quotas, at timestamptz) returns boolean
language sql immutable parallel safe
as $$ select q.period_start <= at and q.period_end > at $$;
comment on function quota.contains(quota.usage_quotas, timestamptz) is
  'Whether the period of a quota contains an instant. Inlined, so that joins and indexes see the two bounds.';
