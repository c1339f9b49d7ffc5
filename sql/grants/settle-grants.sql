create or replace function quota.settle_grants(users uuid[], services text[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  crossed quota.usage_quotas[];
begin
  -- Closed periods book what they took, earliest expiry first.
  with taken as (
    select q.user_id, q.meter, q.period_start, least(greatest(q.used - q.limit_quantity, 0), q.granted) as quantity
    from quota.usage_quotas q join quota.meters m on m.key = q.meter
    where q.user_id = any (users) and (q.user_id, m.service) in (select * from unnest(users, services))
      and q.closed_at is not null and q.granted > 0 and q.granted_used is null
  ), booked as (
    update quota.usage_quotas q set granted_used = t.quantity
    from taken t
    where q.user_id = t.user_id and q.meter = t.meter and q.period_start = t.period_start
    returning q.user_id, q.meter, q.period_start
  ), shares as (
    select p.user_id, s.id, s.share
    from (select user_id, meter, array_agg(period_start) as periods from booked group by user_id, meter) p
    cross join lateral quota.grant_shares(p.user_id, p.meter, p.periods) s
  )
  update quota.grants g set consumed = g.consumed + s.share
  from shares s where g.user_id = s.user_id and g.id = s.id and s.share > 0;

  with refreshed as (
    update quota.usage_quotas q
    set granted = quota.granted_now(q.user_id, q.meter, q.period_start, q.used, q.limit_quantity)
    from quota.meters m
    where q.user_id = any (users) and m.key = q.meter and (q.user_id, m.service) in (select * from unnest(users, services))
      and q.closed_at is null and q.period_start <= quota.now() and q.period_end > quota.now()
      and q.granted is distinct from quota.granted_now(q.user_id, q.meter, q.period_start, q.used, q.limit_quantity)
    returning q.*
  )
  select array_agg(r::quota.usage_quotas) into crossed
  from refreshed r where quota.needs_enforcement(r::quota.usage_quotas);
  if crossed is not null then
    perform quota.enforce(crossed);
  end if;
end $$;
comment on function quota.settle_grants(uuid[], text[]) is
  'Books what closed periods took of grants and brings the running quotas of (user, service) pairs in line with their grants; for resets, new grants and expired ones. The caller holds the subscriptions.';
