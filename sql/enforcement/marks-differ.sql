create or replace function quota.marks_differ(q quota.usage_quotas) returns boolean
language sql stable
as $$
  select not q.superseded
    and (quota.is_exhausted(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit)
        <> (q.exhausted_at is not null)
      or quota.highest_reached(q) is distinct from q.alerted)
$$;
comment on function quota.marks_differ(quota.usage_quotas) is
  'Whether what a quota is marked with, exhausted_at and alerted, is not what its figures come to, or is '
  'still to be seen. Of any period: quota.needs_enforcement asks it of the running one.';
