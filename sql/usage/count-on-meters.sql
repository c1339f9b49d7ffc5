create or replace function quota.count_on_meters(
  p_user uuid, p_service text, p_model text, p_status text, p_started_at timestamptz,
  p_duration_seconds numeric, p_messages integer, p_cost numeric, p_file_bytes bigint, p_quantities jsonb)
returns boolean
language plpgsql
as $$
declare
  counted record;
  meters integer;
  is_open boolean;
begin
  -- What belongs to a period that is over may take of a grant that the running one counts on, or to before a
  -- grant ended be covered by it, or count as its meter once did: that is for the full way.
  select count(q.user_id), bool_and(case
    when q.user_id is null then not exists (
      select from quota.plan_limits l where l.plan = s.plan and l.meter = m.key)
    else not exists (
        select from quota.grants g
        where g.user_id = q.user_id and (q.period_end <= quota.now()
          or least(g.expires_at, g.revoked_at) between p_started_at and quota.now()))
      and (m.changed_at is null or m.changed_at < p_started_at)
      and not exists (
        select from quota.adjustments a
        where a.user_id = q.user_id and a.meter = q.meter and a.kind = 'reset'
          and a.created_at > p_started_at) end)
  into meters, is_open
  from quota.subscriptions s
  join quota.meters m on m.service = s.service
    and (quota.counts_model(m.models, m.patterns, p_model) or m.changed_at >= p_started_at)
  left join quota.usage_quotas q on q.user_id = s.user_id and q.meter = m.key
    and quota.contains(q, p_started_at) and not q.superseded
  where s.user_id = p_user and s.service = p_service;
  if meters = 0 or not is_open then
    return false;
  end if;

  for counted in
    update quota.usage_quotas q
    set used = q.used + c.quantity, calls = q.calls + 1,
      cost = q.cost + quota.cost_of(p_cost, c.unit, c.quantity, q.unit_price)
    from (
      select m.key, m.unit, quota.quantity_of(m.unit, m.measure, p_status, p_duration_seconds, p_messages,
        p_file_bytes, p_quantities) as quantity
      from quota.meters m
      where m.service = p_service and quota.counts_model(m.models, m.patterns, p_model)
      offset 0 -- The quantity is worked out once.
    ) c
    where q.user_id = p_user and q.meter = c.key and quota.contains(q, p_started_at)
    returning q.meter, q.period_start, q.superseded,
      -- More than a percent below every limit, as nearly all are, there is nothing to enforce.
      q.cost_limit is not null or q.exhausted_at is not null
        or q.used >= q.limit_quantity or (100 * q.used + q.limit_quantity) / nullif(q.limit_quantity,
          0) >= any (q.warn_at) as may_cross
  loop
    meters := meters - case when counted.superseded then 0 else 1 end;
    if counted.may_cross then
      perform quota.settle_crossed(array[q]) from quota.usage_quotas q
      where q.user_id = p_user and q.meter = counted.meter and q.period_start = counted.period_start
        and quota.marks_differ(q);
    end if;
  end loop;
  if meters <> 0 then
    -- The periods are not as they were a statement ago.
    perform quota.refresh_quotas(array[p_user], array[p_service]);
  end if;
  return true;
end $$;
comment on function quota.count_on_meters(
  uuid, text, text, text, timestamptz, numeric, integer, numeric, bigint, jsonb) is
  'Adds one call to the periods of its user''s meters, in the order of locks, and enforces what it crosses; '
  'false, and nothing is added, if one of them is not open yet.';
