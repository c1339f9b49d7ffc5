create or replace function quota.stale_grants(only_user uuid default null)
returns table (user_id uuid, service text)
language sql stable
as $$
  with clock as materialized (select quota.now() as at),
  unsettled as materialized (
    -- Most that ever ended have been settled, and their quotas need no look, unless a clock that was ahead
    -- settled another of the same quota.
    select distinct g.user_id, g.meter from clock cross join quota.grants g
    where (least(g.expires_at, g.revoked_at) <= clock.at and not quota.is_settled(g, clock.at)
        or g.settled_at > clock.at)
      and (only_user is null or g.user_id = only_user)
  ),
  given as materialized (
    select g.user_id, g.meter, min(g.created_at) as first_at,
      max(g.ends_at) filter (where g.ends_at <= clock.at) as ended_at,
      coalesce(sum(g.quantity) filter (
        where g.created_at <= clock.at and (g.ends_at <= clock.at) is not true), 0) as living
    from clock
    cross join (
      select g.user_id, g.meter, g.quantity, g.created_at, least(g.expires_at, g.revoked_at) as ends_at
      from unsettled u join quota.grants g on g.user_id = u.user_id and g.meter = u.meter) g
    group by g.user_id, g.meter
    having bool_or(g.ends_at <= clock.at)
  ), ended as materialized (
    select q.user_id, q.meter, q.granted, g.living, g.first_at
    from quota.usage_quotas q
    join given g on g.user_id = q.user_id and g.meter = q.meter and g.ended_at >= q.period_start
    where q.granted > 0 and q.closed_at is null and (only_user is null or q.user_id = only_user)
      and q.period_start <= (select c.at from clock c) and q.period_end > (select c.at from clock c)
  ), used as (
    -- Where no period that grants could have covered was used beyond its limit, they gave nothing: what is
    -- granted is what they have.
    select array_agg(o.user_id) as users, array_agg(o.meter) as meters
    from (
      select distinct e.user_id, e.meter
      from ended e
      join quota.usage_quotas o on o.user_id = e.user_id and o.meter = e.meter and o.period_end > e.first_at
      where o.period_start <= (select c.at from clock c) and o.used > o.limit_quantity
    ) o
  ), stale as (
    -- Put together by groups, and not joined: planners take both for a row or two.
    select t.user_id, t.meter
    from (
      select e.user_id, e.meter, e.granted, e.living, null::numeric as by_ledger from ended e
      union all
      select l.user_id, l.meter, null, null, l.granted
      from used u cross join lateral quota.granted_of(u.users, u.meters) l
    ) t
    group by t.user_id, t.meter
    having min(t.granted) <> coalesce(max(t.by_ledger), max(t.living))
      or max(t.granted) <> coalesce(max(t.by_ledger), max(t.living))
  )
  select distinct s.user_id, m.service from stale s join quota.meters m on m.key = s.meter
$$;
comment on function quota.stale_grants(uuid) is 'Whose running quotas still count a grant that has expired.';
