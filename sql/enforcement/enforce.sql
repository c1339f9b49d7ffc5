create or replace function quota.enforce(quotas quota.usage_quotas[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  limited_users uuid[];
  limited_services text[];
  freed_users uuid[];
  freed_services text[];
begin
  insert into quota.usage_alerts (user_id, meter, period_start, threshold, level, percent, crossed_at)
  select q.user_id, q.meter, q.period_start, t.threshold, quota.alert_level(t.threshold, q.warn_at),
    p.percent, quota.now()
  from unnest(quotas) q
  cross join lateral quota.percent_used(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit) p(percent)
  cross join lateral (select distinct w from unnest(q.warn_at) w) t(threshold)
  where p.percent >= t.threshold
  order by q.user_id, q.meter, q.period_start, t.threshold
  on conflict do nothing;

  update quota.usage_quotas q
  set exhausted_at = case when c.exhausted_at is null then quota.now() end
  from unnest(quotas) c
  where q.user_id = c.user_id and q.meter = c.meter and q.period_start = c.period_start
    and quota.is_exhausted(c.used, c.limit_quantity + c.granted, c.cost, c.cost_limit)
      = (c.exhausted_at is null);

  select array_agg(q.user_id), array_agg(m.service) into limited_users, limited_services
  from unnest(quotas) q join quota.meters m on m.key = q.meter
  where q.on_exceeded = 'limit_assistants' and q.exhausted_at is null
    and quota.is_exhausted(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit);
  select array_agg(q.user_id), array_agg(m.service) into freed_users, freed_services
  from unnest(quotas) q join quota.meters m on m.key = q.meter
  where q.on_exceeded = 'limit_assistants' and q.exhausted_at is not null
    and not quota.is_exhausted(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit)
    and not exists (
      select 1 from quota.usage_quotas o join quota.meters om on om.key = o.meter
      where o.user_id = q.user_id and om.service = m.service and o.on_exceeded = 'limit_assistants'
        and not o.superseded and o.exhausted_at is not null
        and quota.contains(o, quota.now()));
  if limited_users is not null and freed_users is not null then
    perform quota.hold_assistants(limited_users || freed_users);
  end if;
  if limited_users is not null then
    perform quota.mark_limited(limited_users, limited_services, true);
  end if;
  if freed_users is not null then
    perform quota.mark_limited(freed_users, freed_services, false);
  end if;
end $$;
comment on function quota.enforce(quota.usage_quotas[]) is
  'Raises alerts, marks and unmarks exhaustion and queues provider limits for quotas of the running period, '
  'given as they stand.';
