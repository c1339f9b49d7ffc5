create or replace function quota.settle_grants(users uuid[], services text[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  crossed quota.usage_quotas[];
begin
  with ledger as (
    -- What ended is settled where there is a running quota: that is brought in line below.
    select u.user_id, l.id, l.given, l.ends_at <= quota.now() and exists (
        select from quota.usage_quotas q
        where q.user_id = u.user_id and q.meter = m.key and quota.contains(q, quota.now())
          and not q.superseded)
      as is_settled
    from unnest(users, services) u(user_id, service)
    join quota.meters m on m.service = u.service
    cross join lateral quota.grant_ledger(u.user_id, m.key) l
  )
  update quota.grants g
  set consumed = l.given, settled_at = case when l.is_settled then quota.now() end
  from ledger l
  where g.user_id = l.user_id and g.id = l.id
    -- What a clock that was ahead settled counts again.
    and (g.consumed <> l.given or case when l.is_settled then not quota.is_settled(g, quota.now())
      else g.settled_at is not null end);

  with present as materialized (
    select q.user_id, q.meter, q.period_start, quota.granted_now(q.user_id, q.meter) as granted
    from unnest(users, services) u(user_id, service)
    join quota.meters m on m.service = u.service
    join quota.usage_quotas q on q.user_id = u.user_id and q.meter = m.key
      and quota.contains(q, quota.now()) and not q.superseded
  ), refreshed as (
    update quota.usage_quotas q
    set granted = p.granted, alerted = case when p.granted < q.granted then q.alerted end,
      lowered_at = case when p.granted < q.granted then quota.now() else q.lowered_at end
    from present p
    where q.user_id = p.user_id and q.meter = p.meter and q.period_start = p.period_start
      and q.granted <> p.granted
    returning q.*
  )
  select array_agg(r::quota.usage_quotas) into crossed
  from refreshed r where quota.marks_differ(r::quota.usage_quotas);
  if crossed is not null then
    perform quota.settle_crossed(crossed);
  end if;
end $$;
comment on function quota.settle_grants(uuid[], text[]) is
  'Brings the running quotas of (user, service) pairs, and what their grants are said to have given, in line '
  'with the facts; after whatever changes grants, usage of the past, or how time is cut. The caller holds '
  'the subscriptions.';
