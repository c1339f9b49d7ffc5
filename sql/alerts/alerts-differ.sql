create or replace function quota.alerts_differ(q quota.usage_quotas) returns boolean
language sql stable
as $$
  select quota.reached_by(q) <> array(
    select a.threshold from quota.usage_alerts a
    where a.user_id = q.user_id and a.meter = q.meter and a.period_start = q.period_start
      and a.ended_at is null and a.threshold > 0
    order by a.threshold)
$$;
comment on function quota.alerts_differ(quota.usage_quotas) is
  'Whether the alerts that stand are others than those that a quota calls for.';
