create or replace function quota.used_before(q quota.usage_quotas, at timestamptz) returns numeric
language sql stable
as $$
  select case when at is null or at >= q.period_end then q.used else least(q.used, coalesce((
      select sum(quota.quantity_of(m.unit, m.measure, c.status, c.duration_seconds, c.messages,
        c.file_size_bytes, c.quantities))
      from quota.meter_terms m
      join quota.call_logs c on c.user_id = q.user_id and c.service = m.service
        and quota.counts_model(m.models, m.patterns, c.model)
      where m.key = q.meter and q.period_end > m.since and q.period_end <= m.until
        and c.started_at >= q.period_start and c.started_at < at), 0) + coalesce((
      select sum(a.quantity) from quota.adjustments a
      where a.user_id = q.user_id and a.meter = q.meter and a.period_start = q.period_start
        and a.created_at < at), 0)) end
$$;
comment on function quota.used_before(quota.usage_quotas, timestamptz) is
  'What of the usage of a quota was there before an instant; what was corrected later does not count.';
