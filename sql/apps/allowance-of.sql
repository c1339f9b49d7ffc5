create type quota.allowance as (
  meter text, unit text, used numeric, limit_quantity numeric, remaining numeric, percent numeric,
  exhausted boolean,
  by_cost boolean, on_exceeded text, resets_at timestamptz, warn_at integer[],
  is_open boolean, period_start timestamptz, cost numeric, cost_limit numeric, models text[], measure jsonb,
  counts boolean, room numeric, runs_out_at timestamptz);
comment on type quota.allowance is
  'What is left of a meter; by_cost: no money is left, or less than a thousandth of the unit costs; '
  'counts: a call of the model counts on it; room: what remains, in the unit of the '
  'service, null where it cannot be told in that.';

create or replace function quota.allowance_of(
  p_user uuid, p_plan text, p_anchor timestamp, p_timezone text, p_model text, p_session bigint)
returns setof quota.allowance
language sql stable
as $$
  select b.meter, b.unit, b.used, b.limit_quantity, b.remaining,
    quota.percent_used(b.used, b.limit_quantity + b.granted, b.cost, b.cost_limit),
    coalesce(b.used >= b.limit_quantity + b.granted, false) or coalesce(b.cost >= b.cost_limit, false),
    -- What is left of the money may be less than anything that can be used costs.
    coalesce(b.cost >= b.cost_limit, false)
      or coalesce(quota.remaining_of(null, null, b.cost_limit, b.cost, b.unit, b.unit_price, 0) = 0, false),
    b.on_exceeded, nullif(b.period_end, 'infinity'), b.warn_at,
    b.is_open, b.period_start, b.cost, b.cost_limit, b.models, b.measure, b.counts,
    case when b.measure is null and b.unit = 'second' then b.remaining
      else quota.room_of(b.unit, b.measure, quota.service_unit(b.service), b.remaining) end,
    quota.runs_out_at(b.used, b.adjusted, b.limit_quantity + b.granted, b.cost, b.cost_limit,
      case when b.cost_limit is not null then quota.adjusted_cost(p_user, b.meter, b.period_start) end,
      b.calls, b.period_start, b.period_end, quota.now())
  from (
    select a.*, quota.remaining_of(
        a.limit_quantity + a.granted, a.used, a.cost_limit, a.cost, a.unit, a.unit_price,
        quota.reserved_for(p_user, a.meter, coalesce(a.period_start, '-infinity'), p_session)) as remaining
    from (
      select l.meter, m.unit, m.service, m.models, m.measure,
        coalesce(quota.counts_model(m.models, m.patterns, p_model), false) as counts, t.*,
        q.user_id is not null as is_open,
        coalesce(q.used, 0) as used, coalesce(q.cost, 0) as cost, coalesce(q.adjusted, 0) as adjusted,
        coalesce(q.calls, 0) as calls,
        coalesce(q.warn_at, l.warn_at) as warn_at, coalesce(q.on_exceeded, l.on_exceeded) as on_exceeded,
        coalesce(q.period_start, lower(p.period)) as period_start,
        coalesce(q.period_end, upper(p.period)) as period_end
      from quota.plan_limits l
      join quota.meters m on m.key = l.meter
      left join quota.usage_quotas q on q.user_id = p_user and q.meter = l.meter
        and quota.contains(q, quota.now()) and not q.superseded
      cross join lateral (select case when q.user_id is null then quota.period_at(
        quota.limit_anchor(l.reset_anchor, l.boundary, p_anchor), l.reset_every, p_timezone, quota.now()) end
        as period) p
      -- Custom limits need a look only where no period is open: open ones have them.
      cross join lateral (select
        case when q.user_id is not null then q.limit_quantity else coalesce((
          select o.limit_quantity from quota.limit_overrides o
          where o.user_id = p_user and o.plan = l.plan and o.meter = l.meter), l.limit_quantity) end
          as limit_quantity,
        case when q.user_id is not null then q.cost_limit else coalesce((
          select o.cost_limit from quota.limit_overrides o
          where o.user_id = p_user and o.plan = l.plan and o.meter = l.meter), l.cost_limit) end
          as cost_limit,
        case when q.user_id is null then l.unit_price else q.unit_price end as unit_price,
        -- Stored grants are right until one expires.
        case
          when q.user_id is null then quota.granted_now(p_user, l.meter)
          when q.granted > 0 then quota.granted_now(p_user, l.meter)
          else 0
        end as granted) t
      where l.plan = p_plan
      offset 0 -- What is worked out here is used many times above.
    ) a
    offset 0
  ) b
$$;
comment on function quota.allowance_of(uuid, text, timestamp, text, text, bigint) is
  'What is left of each meter of a plan in the running period, less what sessions that began in it have '
  'reserved; of the call p_session only what it has used.';
