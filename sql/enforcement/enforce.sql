create or replace function quota.enforce(quotas quota.usage_quotas[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  limited_users uuid[];
  limited_services text[];
  limited_since timestamptz[];
  freed_users uuid[];
  freed_services text[];
begin
  perform quota.sync_alerts(quotas);

  with marked as (
    update quota.usage_quotas q
    set alerted = quota.highest_reached(c),
      exhausted_at = case when e.exhausted then coalesce(c.exhausted_at, (
        select x.at from quota.crossings(c, '{100}') x)) end
    from unnest(quotas) c
    cross join lateral quota.is_exhausted(
      c.used, c.limit_quantity + c.granted, c.cost, c.cost_limit) e(exhausted)
    where q.user_id = c.user_id and q.meter = c.meter and q.period_start = c.period_start
      and (e.exhausted = (c.exhausted_at is null) or c.alerted is distinct from quota.highest_reached(c))
    returning q.user_id, q.meter, q.on_exceeded, q.exhausted_at, c.exhausted_at as exhausted_before
  ), limited as (
    select k.user_id, m.service, min(k.exhausted_at) as since
    from marked k join quota.meters m on m.key = k.meter
    where k.on_exceeded = 'limit_assistants' and k.exhausted_before is null and k.exhausted_at is not null
      and not quota.in_shadow(m.service)
    group by k.user_id, m.service
  )
  select array_agg(l.user_id), array_agg(l.service), array_agg(l.since)
  into limited_users, limited_services, limited_since
  from limited l;
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
    perform quota.mark_limited(limited_users, limited_services, true, limited_since);
  end if;
  if freed_users is not null then
    perform quota.mark_limited(freed_users, freed_services, false);
  end if;
end $$;
comment on function quota.enforce(quota.usage_quotas[]) is
  'Raises alerts, marks and unmarks exhaustion and queues provider limits for quotas of the running period, '
  'given as they stand. Each is dated by the call that crossed.';
