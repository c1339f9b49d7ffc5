create or replace function quota.former_terms(
  p_user uuid, p_service text, p_plan text, p_meter text, p_period tstzrange)
returns table (
  limit_quantity numeric, cost_limit numeric, unit_price numeric, warn_at integer[], on_exceeded text)
language sql stable
as $$
  with held as (
    -- The plan of the end of the period: a change of plan holds at once. Its version of when it began to hold
    -- there.
    select coalesce((
        select f.plan from quota.former_plans f
        where f.user_id = p_user and f.service = p_service and f.until >= upper(p_period)
        order by f.until limit 1), p_plan) as plan,
      greatest(lower(p_period), (
        select max(f.until) from quota.former_plans f
        where f.user_id = p_user and f.service = p_service and f.until < upper(p_period))) as since
  )
  select coalesce(o.limit_quantity, (l->>'limit')::numeric), coalesce(o.cost_limit,
    (l->>'costLimit')::numeric),
    (l->>'unitPrice')::numeric,
    coalesce((select array_agg(w::integer) from jsonb_array_elements_text(l->'warnAt') w), '{}'),
      l->>'onExceeded'
  from held h
  cross join lateral (
    select v.definition from quota.plan_versions v where v.plan = h.plan
    order by v.applied_at > h.since, case when v.applied_at > h.since then v.version else -v.version end
    limit 1) version
  cross join lateral jsonb_array_elements(version.definition->'limits') l
  left join quota.limit_overrides o on o.user_id = p_user and o.plan = h.plan and o.meter = p_meter
  where l->>'meter' = p_meter
$$;
comment on function quota.former_terms(uuid, text, text, text, tstzrange) is
  'The terms of a meter in a period that is over, as the plan that the user then had stated them; none '
  'where that plan did not count it.';
