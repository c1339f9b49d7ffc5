create or replace function quota.ranked_allowances(
  p_user uuid, subscription quota.subscriptions, p_service text, p_model text, p_quantity numeric,
  p_quantities jsonb, p_session bigint)
returns table (allowances quota.allowance[], needed numeric, meters jsonb)
language sql stable
as $$
  -- What is least in the unit of the call comes first, or else what is nearest to its end.
  select array_agg(o.a order by o.place) filter (where (o.a).counts),
    max(o.needed) filter (where o.place = 1 and (o.a).counts),
    jsonb_agg(quota.meter_left((o.a).meter, (o.a).unit, (o.a).used, (o.a).limit_quantity, (o.a).remaining,
      (o.a).percent, (o.a).cost, (o.a).cost_limit, (o.a).resets_at) order by (o.a).meter)
  from (
    select a, n.needed, row_number() over (order by a.counts desc, a.exhausted desc,
      coalesce(a.remaining = 0 or a.room = 0, false) desc, coalesce(n.needed > a.remaining, false) desc,
      a.room asc nulls last, a.percent desc nulls last, a.meter) as place
    from (select quota.service_unit(p_service) as unit,
      quota.told_quantities(p_service, p_quantities) as quantities) t
    cross join lateral quota.allowance_of(p_user, subscription.plan, subscription.anchor_local,
      subscription.timezone, p_model, p_session) a
    cross join lateral (
      select quota.quantity_on(a.unit, a.measure, t.unit, p_quantity, t.quantities) as needed) n
  ) o
$$;
comment on function quota.ranked_allowances(
  uuid, quota.subscriptions, text, text, numeric, jsonb, bigint) is
  'What is left of the meters that a call counts on, what stands in its way first; what the call takes of '
  'that first one; and all meters of the plan, as quota.meter_left tells them. QT003: quantities that cannot '
  'be.';
