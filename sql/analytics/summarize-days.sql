create or replace function quota.summarize_days(p_days date[], p_service text default null)
returns table (
  day date, service text, user_id uuid, calls integer, errors integer, seconds numeric, messages bigint,
  premium_messages bigint, cost numeric)
language sql stable
as $$
  with calls as (
    select d.day, l.service, l.user_id, l.status, l.duration_seconds, l.model, l.cost, l.started_at,
      m.key as meter, m.unit, quota.quantity_of(m.unit, m.measure, l.status, l.duration_seconds, l.messages,
        l.file_size_bytes, l.quantities) as quantity, l.quantities,
      exists (
        select 1 from quota.meters p where p.service = l.service and p.models is not null
          and quota.counts_model(p.models, p.patterns, l.model)) as premium
    from unnest(p_days) d(day)
    -- "offset 0": day by day down the index; where there are no days, nothing is read.
    cross join lateral (
      select c.* from quota.call_logs c
      where c.started_at >= d.day::timestamp at time zone 'UTC'
        and c.started_at < (d.day + 1)::timestamp at time zone 'UTC'
        and (p_service is null or c.service = p_service)
      offset 0) l
    -- What counts every call of the service; the others are parts of it.
    left join lateral (
      select m.key, m.unit, m.measure from quota.meters m where m.service = l.service and m.models is null
      order by m.key limit 1) m on true
  ), priced as (
    select c.*, coalesce(c.cost, quota.cost_of(null, c.unit, c.quantity, (
      select q.unit_price from quota.usage_quotas q
      where c.cost is null and q.user_id = c.user_id and q.meter = c.meter and not q.superseded
        and quota.contains(q, c.started_at)
      limit 1))) as spent
    from calls c
  )
  select p.day, p.service, p.user_id, count(*)::integer,
    (count(*) filter (where p.status = 'error'))::integer,
    coalesce(sum(p.duration_seconds), 0),
    coalesce(sum(p.quantity) filter (where p.unit = 'message'), 0)::bigint,
    coalesce(sum(p.quantity) filter (where p.unit = 'message' and p.premium), 0)::bigint,
    coalesce(sum(p.spent), 0)
  from priced p
  group by p.user_id, p.day, p.service
$$;
comment on function quota.summarize_days(date[], text) is
  'Usage per day, service and user, from the call logs of these days; calls without a cost at the price of '
  'their period.';
