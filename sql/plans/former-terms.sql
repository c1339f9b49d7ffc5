create or replace function quota.former_terms(
  p_user uuid, p_service text, p_plan text, p_meter text, p_period tstzrange)
returns table (
  limit_quantity numeric, cost_limit numeric, unit_price numeric, warn_at integer[], on_exceeded text)
language sql stable
as $$
  -- What is the same for all users is written out once, however many periods are asked for. The rest stands
  -- in steps of one row each (offset 0): as joins, a planner that knows no numbers yet sorts for each period.
  with versions as materialized (
    select v.plan, v.version, v.applied_at from quota.plan_versions v
  ), written as materialized (
    select v.plan, v.version, l->>'meter' as meter, (l->>'limit')::numeric as limit_quantity,
      (l->>'costLimit')::numeric as cost_limit, (l->>'unitPrice')::numeric as unit_price,
      coalesce((select array_agg(w::integer) from jsonb_array_elements_text(l->'warnAt') w), '{}') as warn_at,
      l->>'onExceeded' as on_exceeded
    from quota.plan_versions v cross join lateral jsonb_array_elements(v.definition->'limits') l
  )
  select coalesce(o.limit_quantity, w.limit_quantity), coalesce(o.cost_limit, w.cost_limit), w.unit_price,
    w.warn_at, w.on_exceeded
  from (
    select min(f.until) filter (where f.until >= upper(p_period)) as until,
      max(f.until) filter (where f.until < upper(p_period)) as since
    from quota.former_plans f
    where f.user_id = p_user and f.service = p_service and p_period is not null
  ) former
  -- The plan of the end of the period: a change of plan holds at once. Its version of when it began to hold
  -- there.
  cross join lateral (
    select case when former.until is null then p_plan else (
        select f.plan from quota.former_plans f
        where f.user_id = p_user and f.service = p_service and f.until = former.until) end as plan,
      greatest(lower(p_period), former.since) as since
    where p_period is not null
    offset 0
  ) held
  cross join lateral (
    select coalesce(max(v.version) filter (where v.applied_at <= held.since), min(v.version)) as version
    from versions v where v.plan = held.plan
  ) its
  cross join lateral (
    select * from written w
    where w.plan = held.plan and w.version = its.version and w.meter = p_meter
    offset 0
  ) w
  left join lateral (
    select o.limit_quantity, o.cost_limit from quota.limit_overrides o
    where o.user_id = p_user and o.plan = held.plan and o.meter = p_meter
    offset 0
  ) o on true
$$;
comment on function quota.former_terms(uuid, text, text, text, tstzrange) is
  'The terms of a meter in a period that is over, as the plan that the user then had stated them; none '
  'where that plan did not count it, and none of no period.';
