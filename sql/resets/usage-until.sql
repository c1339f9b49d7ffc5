create or replace function quota.sums_until(q quota.usage_quotas, at timestamptz)
returns table (quantity numeric, cost numeric, adjusted numeric, calls integer)
language sql stable
as $$
  select coalesce(c.quantity, 0) + coalesce(a.quantity, 0), coalesce(c.cost, 0) + coalesce(a.cost, 0),
    coalesce(a.quantity, 0), c.calls
  from (
    select count(*)::integer as calls, sum(v.quantity) as quantity,
      sum(quota.cost_of(v.cost, v.unit, v.quantity, q.unit_price)) as cost
    from (
      select c.cost, m.unit, quota.quantity_of(m.unit, m.measure, c.status, c.duration_seconds,
        c.messages, c.file_size_bytes, c.quantities) as quantity
      from quota.meter_terms m
      join quota.call_logs c on c.user_id = q.user_id and c.service = m.service
        and quota.counts_model(m.models, m.patterns, c.model)
      where m.key = q.meter and q.period_end > m.since and q.period_end <= m.until
        and c.started_at >= q.period_start and c.started_at < least(at, q.period_end)
    ) v
  ) c
  cross join (
    select sum(a.quantity) as quantity, sum(a.cost) as cost from quota.adjustments a
    where a.user_id = q.user_id and a.meter = q.meter and a.period_start = q.period_start
      and a.created_at <= at
  ) a
$$;
comment on function quota.sums_until(quota.usage_quotas, timestamptz) is
  'What of the usage and the cost of a quota stems from before an instant, corrections of that instant '
  'included; negative where more was corrected than was used. Of it what the corrections come to, and how '
  'many calls there were.';

create or replace function quota.usage_until(q quota.usage_quotas, at timestamptz)
returns table (quantity numeric, cost numeric)
language sql stable
as $$ select greatest(s.quantity, 0), greatest(s.cost, 0) from quota.sums_until(q, at) s $$;
comment on function quota.usage_until(quota.usage_quotas, timestamptz) is
  'The same, and never less than nothing.';
