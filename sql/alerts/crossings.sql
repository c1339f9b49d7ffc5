create or replace function quota.crossings(q quota.usage_quotas, thresholds integer[])
returns table (threshold integer, at timestamptz)
language sql stable
as $$
  with facts as (
    select least(v.at, quota.now()) as at, v.quantity,
      quota.cost_of(v.cost, v.unit, v.quantity, q.unit_price) as cost
    from (
      select c.cost, m.unit, quota.quantity_of(m.unit, m.measure, c.status, c.duration_seconds,
        c.messages, c.file_size_bytes, c.quantities) as quantity,
        coalesce(c.ended_at, c.started_at + make_interval(secs => c.duration_seconds::float8), c.started_at)
          as at
      from quota.meter_terms m
      join quota.call_logs c on c.user_id = q.user_id and c.service = m.service
        and quota.counts_model(m.models, m.patterns, c.model)
        and c.started_at >= q.period_start and c.started_at < q.period_end
      where m.key = q.meter and q.period_end > m.since and q.period_end <= m.until
    ) v
    union all
    select a.created_at, a.quantity, a.cost from quota.adjustments a
    where a.user_id = q.user_id and a.meter = q.meter and a.period_start = q.period_start
  ), sums as materialized (
    select s.at, quota.percent_used(s.used, q.limit_quantity + q.granted, s.cost, q.cost_limit) as percent
    from (
      select f.at, sum(f.quantity) over (order by f.at) as used, sum(f.cost) over (order by f.at) as cost
      from facts f
    ) s
  )
  select t.threshold, coalesce(greatest((
      -- It holds since the first fact after the last one at which it did not.
      select min(s.at) from sums s
      where s.at > coalesce((
        select max(b.at) from sums b where (b.percent >= t.threshold) is not true), '-infinity')
    ), q.lowered_at), quota.now())
  from unnest(thresholds) t(threshold)
$$;
comment on function quota.crossings(quota.usage_quotas, integer[]) is
  'When a quota came to be beyond thresholds: at the end of the call, or at the correction, that crossed '
  'them, and not before its allowance was lowered to what it is.';
