create or replace function quota.meter_definitions(p_definitions jsonb)
returns table (
  key text, service text, unit text, models text[], rounding numeric, credit_seconds numeric,
  is_live boolean, patterns text[], measure jsonb)
language sql stable
as $$
  select d.key, d.service, d.unit, d.models, d.rounding, d."creditSeconds", d."isLive",
    quota.like_patterns(d.models), quota.measure_of(d.key, d.unit, d.rounding, d."creditSeconds")
  from jsonb_to_recordset(p_definitions) d(key text, service text, unit text, models text[], rounding numeric,
    "creditSeconds" numeric, "isLive" boolean)
$$;
comment on function quota.meter_definitions(jsonb) is
  'Meters as files define them, with what their calls would be counted by.';

create or replace function quota.periods_to_count(p_meters text[]) returns setof quota.usage_quotas
language sql stable
as $$
  select q.* from quota.usage_quotas q where q.meter = any (p_meters) and q.period_end > quota.now()
  union all
  -- Of who used the service and nothing that the meter counted.
  select n.*
  from quota.meters m
  join quota.plan_limits l on l.meter = m.key
  join quota.subscriptions s on s.plan = l.plan and s.service = m.service
  cross join lateral quota.quota_terms(s.user_id, m.key, quota.now(), quota.now()) t
  cross join lateral jsonb_populate_record(null::quota.usage_quotas, to_jsonb(t) || jsonb_build_object(
    'used', 0, 'adjusted', 0, 'cost', 0, 'calls', 0, 'superseded', false)) n
  where m.key = any (p_meters) and not exists (
    select from quota.usage_quotas q
    where q.user_id = s.user_id and q.meter = m.key and q.period_start = t.period_start)
$$;
comment on function quota.periods_to_count(text[]) is
  'The quotas of meters whose periods are not over, and the running ones that nobody has opened.';

create or replace function quota.meter_changes(p_definitions jsonb)
returns table (
  user_id uuid, meter text, period_start timestamptz, period_end timestamptz, superseded boolean,
  used_before numeric, used_after numeric, cost_before numeric, cost_after numeric, calls_before integer,
  calls_after integer, exceeded_before boolean, exceeded_after boolean)
language sql stable
as $$
  select q.user_id, q.meter, q.period_start, q.period_end, q.superseded, q.used, n.used, q.cost, n.cost,
    q.calls, n.calls, quota.is_exhausted(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit),
    quota.is_exhausted(n.used, q.limit_quantity + q.granted, n.cost, q.cost_limit)
  from quota.meter_definitions(p_definitions) d
  join quota.meters m on m.key = d.key
    and (m.models, m.measure) is distinct from (d.models, d.measure)
  cross join lateral quota.periods_to_count(array[d.key]) q
  left join lateral quota.last_manual_reset(q) r on not q.superseded
  cross join lateral (
    select count(*)::integer as calls,
      -- What was before a reset stays nothing.
      coalesce(sum(c.quantity) filter (where c.counts), 0) as used, coalesce(sum(quota.cost_of(
        c.cost, d.unit, c.quantity, q.unit_price)) filter (where c.counts), 0) as cost
    from (
      select l.cost, r.created_at is null or l.started_at >= r.created_at as counts, quota.quantity_of(
        d.unit, d.measure, l.status, l.duration_seconds, l.messages, l.file_size_bytes, l.quantities)
        as quantity
      from quota.call_logs l
      where l.user_id = q.user_id and l.service = m.service and l.started_at >= q.period_start
        and l.started_at < q.period_end and quota.counts_model(d.models, d.patterns, l.model)
    ) c
  ) f
  cross join lateral (
    select coalesce(sum(a.quantity), 0) as quantity, coalesce(sum(a.cost), 0) as cost from quota.adjustments a
    where a.user_id = q.user_id and a.meter = q.meter and a.period_start = q.period_start
      and (r.created_at is null or a.created_at > r.created_at)
  ) a
  cross join lateral (
    select f.used + a.quantity as used, f.cost + a.cost as cost, f.calls as calls) n
  where (n.used, n.cost, n.calls) is distinct from (q.used, q.cost, q.calls)
$$;
comment on function quota.meter_changes(jsonb) is
  'What running periods, and those to come, would count otherwise if meters were defined so: the present '
  'figures and those after it.';
