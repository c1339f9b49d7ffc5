create or replace function quota.calls_of_days(p_days date[], p_service text default null)
returns table (
  day date, service text, user_id uuid, model text, assistant_id text, status text, started_at timestamptz,
  duration_seconds numeric, messages numeric, premium_messages numeric, cost numeric, tokens numeric,
  bytes numeric)
language sql stable
as $$
  with calls as materialized (
    select l.id, d.day, l.service, l.user_id, l.model, l.assistant_id, l.status, l.duration_seconds, l.cost,
      l.started_at, m.key as meter, m.unit,
      -- Most calls tell none, or tell them plainly: the function is for the others.
      coalesce((l.quantities->>'tokens')::numeric, case when l.quantities is not null
        then quota.told_in_unit(l.quantities, l.service, 'token') end) as tokens,
      coalesce((l.quantities->>'bytes')::numeric, case when l.quantities is not null
        then quota.told_in_unit(l.quantities, l.service, 'byte') end, l.file_size_bytes) as bytes,
      quota.quantity_of(m.unit, m.measure, l.status, l.duration_seconds, l.messages,
        l.file_size_bytes, l.quantities) as quantity,
      -- Only where there are messages to tell apart: it is asked of each call.
      m.unit = 'message' and exists (
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
    -- What counts every call of the service, for money rather than not; the others are parts of it.
    left join lateral (
      select m.key, m.unit, m.measure from quota.meters m where m.service = l.service and m.models is null
      order by exists (
        select from quota.plan_limits p where p.meter = m.key and p.unit_price is not null) desc, m.key
      limit 1) m on true
  ), prices as (
    -- Joined, so that many are found by reading the quotas once, and few by looking them up. Of periods that
    -- overlap, the earliest.
    select distinct on (c.id) c.id, q.unit_price
    from calls c
    join quota.usage_quotas q on q.user_id = c.user_id and q.meter = c.meter and not q.superseded
      and quota.contains(q, c.started_at)
    where c.cost is null
      and q.period_start < (select (max(d.day) + 1)::timestamp at time zone 'UTC' from unnest(p_days) d(day))
      and q.period_end > (select min(d.day)::timestamp at time zone 'UTC' from unnest(p_days) d(day))
    order by c.id, q.period_start
  )
  select c.day, c.service, c.user_id, c.model, c.assistant_id, c.status, c.started_at, c.duration_seconds,
    case when c.unit = 'message' then c.quantity end,
    case when c.unit = 'message' and c.premium then c.quantity end,
    coalesce(c.cost, quota.cost_of(null, c.unit, c.quantity, p.unit_price)),
    c.tokens, c.bytes
  from calls c
  left join prices p on p.id = c.id
$$;
comment on function quota.calls_of_days(date[], text) is
  'The calls of these days (UTC) as analytics count them: messages of services that count messages, calls '
  'without a cost at the price of their period.';
