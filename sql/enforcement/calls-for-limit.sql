create or replace function quota.calls_for_limit(q quota.usage_quotas) returns boolean
language sql stable
as $$
  select q.on_exceeded = 'limit_assistants' and not q.superseded
    and quota.contains(q, quota.now())
    and quota.is_exhausted(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit)
    and not exists (
      select from quota.meters m where m.key = q.meter and quota.in_shadow(m.service))
$$;
comment on function quota.calls_for_limit(quota.usage_quotas) is
  'Whether a quota of the running period is used up and its plan answers that with limited assistants, '
  'which no adopted product decides by itself.';
