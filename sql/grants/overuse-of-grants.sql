create or replace function quota.overuse_of_grants(p_users uuid[], p_meters text[], p_at timestamptz)
returns table (
  user_id uuid, meter text, place integer, quantity numeric, is_running boolean, has_ended boolean,
  beyond numeric, is_first boolean, begins_segment boolean)
language sql stable
as $$
  with asked as materialized (
    select a.user_id, a.meter from unnest(p_users, p_meters) a(user_id, meter)
  ), given as materialized (
    select g.user_id, g.meter, g.quantity, g.created_at, least(g.expires_at, g.revoked_at) as ends_at,
      row_number() over (
        partition by g.user_id, g.meter order by least(g.expires_at, g.revoked_at), g.id)::integer as place
    from asked a
    join quota.grants g on g.user_id = a.user_id and g.meter = a.meter
    where g.created_at <= p_at
  ), governed as (
    -- As in quota.overuse_segments.
    select q, tstzrange(q.period_start, q.period_end, '[)') as period,
      range_agg(tstzrange(q.period_start, q.period_end, '[)')) over (
        partition by q.user_id, q.meter
        order by q.superseded, case when q.superseded then q.closed_at end desc, q.period_start
        rows between unbounded preceding and 1 preceding) as better
    from asked a
    join quota.usage_quotas q on q.user_id = a.user_id and q.meter = a.meter
    where q.period_start <= p_at
  ), segments as materialized (
    select o.q as quota, (o.q).user_id, (o.q).meter, lower(r.segment) as first, upper(r.segment) as last
    from governed o
    cross join lateral unnest(tstzmultirange(o.period) - coalesce(o.better, '{}')) r(segment)
    where (o.q).used > (o.q).limit_quantity and lower(r.segment) <= p_at
  )
  select p.user_id, p.meter, p.place, p.quantity, p.is_running, p.has_ended,
    -- As quota.used_beyond has it, which would be made ready anew for each.
    greatest(case when p.until >= p.period_end then p.used else least(p.used, u.by_until) end
        - p.limit_quantity, 0)
      - case when p.first <= p.period_start then 0
        else greatest(least(p.used, u.by_first) - p.limit_quantity, 0) end as beyond,
    row_number() over (partition by p.user_id, p.meter order by p.first, p.place) = 1 as is_first,
    row_number() over (partition by p.user_id, p.meter, p.first order by p.place) = 1 as begins_segment
  from (
    select (s.quota).*, s.first, g.place, g.quantity, least(s.last, g.ends_at) as until,
      s.last > p_at as is_running, coalesce(g.ends_at <= p_at, false) as has_ended
    from segments s
    join given g on g.user_id = s.user_id and g.meter = s.meter
    where (g.ends_at <= s.first) is not true and g.created_at < (s.quota).period_end
  ) p
  cross join lateral (
    select coalesce(sum(f.quantity) filter (where f.at < p.until), 0) as by_until,
      coalesce(sum(f.quantity) filter (where f.at < p.first), 0) as by_first
    from (
      select c.started_at as at, quota.quantity_of(m.unit, m.measure, c.status, c.duration_seconds,
        c.messages, c.file_size_bytes, c.quantities) as quantity
      from quota.meter_terms m
      join quota.call_logs c on c.user_id = p.user_id and c.service = m.service
        and quota.counts_model(m.models, m.patterns, c.model)
      where m.key = p.meter and p.period_end > m.since and p.period_end <= m.until
        and c.started_at >= p.period_start and c.started_at < p.until
      union all
      select a.created_at, a.quantity from quota.adjustments a
      where a.user_id = p.user_id and a.meter = p.meter and a.period_start = p.period_start
    ) f
    where p.until < p.period_end or p.first > p.period_start
  ) u
  order by p.user_id, p.meter, p.first, p.place
$$;
comment on function quota.overuse_of_grants(uuid[], text[], timestamptz) is
  'For each of many (user, meter) pairs the stretches of time that were used beyond their limit, and in '
  'each, one after the other, the grants that may cover it, by when they end: what was used beyond by then.';
