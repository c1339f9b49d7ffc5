-- R1: a period holds what the facts say from the moment it is opened. Calls may lie in it already: those of a
-- time when another plan cut time otherwise, which count in its periods, too.

create or replace function quota.usage_in(opened quota.quota_key[]) returns quota.usage_delta[]
language sql stable
as $$
  select array_agg(c.counted)
  from (
    select (q.user_id, q.meter, q.period_start, sum(v.quantity), 0,
      sum(quota.cost_of(v.cost, v.unit, v.quantity, q.unit_price)), count(*))::quota.usage_delta as counted
    from unnest(opened) o
    join quota.usage_quotas q on q.user_id = o.user_id and q.meter = o.meter
      and q.period_start = o.period_start
    join quota.meter_terms m on m.key = q.meter and q.period_end > m.since and q.period_end <= m.until
    cross join lateral (
      select c.cost, m.unit, quota.quantity_of(m.unit, m.measure, c.status, c.duration_seconds, c.messages,
        c.file_size_bytes, c.quantities) as quantity
      from quota.call_logs c
      where c.user_id = q.user_id and c.service = m.service
        and quota.counts_model(m.models, m.patterns, c.model)
        and c.started_at >= q.period_start and c.started_at < q.period_end
    ) v
    group by q.user_id, q.meter, q.period_start
  ) c
$$;
comment on function quota.usage_in(quota.quota_key[]) is
  'What the calls add to quotas that hold nothing yet; null: nothing.';

create or replace function quota.count_opened(opened quota.quota_key[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  counted quota.usage_delta[] := quota.usage_in(opened);
begin
  if counted is not null then
    perform quota.apply_usage(counted);
  end if;
end $$;
comment on function quota.count_opened(quota.quota_key[]) is
  'Counts the calls that lie in quotas that were opened a moment ago, and enforces them. The caller holds '
  'the subscriptions.';
