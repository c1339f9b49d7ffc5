create or replace function quota.stale_grants(only_user uuid default null)
returns table (user_id uuid, service text)
language sql stable
as $$
  with granted as materialized (
    select q.user_id, q.meter, q.period_start, q.granted
    from quota.usage_quotas q
    where q.granted > 0 and q.closed_at is null
      and q.period_start <= (select quota.now()) and q.period_end > (select quota.now())
      and (only_user is null or q.user_id = only_user)
  ), ended as materialized (
    select q.user_id, q.meter, q.granted,
      coalesce(sum(g.quantity) filter (
        where g.created_at <= clock.at and (least(g.expires_at, g.revoked_at) <= clock.at) is not true), 0)
        as left_over
    from granted q
    cross join (select quota.now() as at offset 0) clock
    join quota.grants g on g.user_id = q.user_id and g.meter = q.meter
    group by q.user_id, q.meter, q.period_start, q.granted
    having bool_or(least(g.expires_at, g.revoked_at) between q.period_start and clock.at)
  ), stale as materialized (
    -- Where no period was used beyond its limit, the grants gave nothing: what is granted is what they have.
    select e.user_id, e.meter
    from ended e
    where case
        when exists (
          select from quota.usage_quotas o
          where o.user_id = e.user_id and o.meter = e.meter and o.period_start <= (select quota.now())
            and o.used > o.limit_quantity)
        then e.granted <> quota.granted_now(e.user_id, e.meter)
        else e.granted <> e.left_over
      end
  )
  select distinct s.user_id, m.service from stale s join quota.meters m on m.key = s.meter
$$;
comment on function quota.stale_grants(uuid) is 'Whose running quotas still count a grant that has expired.';
