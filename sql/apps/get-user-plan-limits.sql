create or replace function quota.get_user_plan_limits(p_user text, p_service text default null)
returns table (
  service text, plan text, plan_name text, meter text, unit text, limit_quantity numeric, granted numeric,
  used numeric, remaining numeric, percent numeric, state text, cost numeric, cost_limit numeric,
  unit_price numeric, reset_every interval, last_reset timestamptz, resets_at timestamptz,
  max_assistants integer, max_file_bytes bigint, max_concurrent integer, max_session_seconds numeric,
  allowed_models text[], upgrade_to text, features jsonb, runs_out_at timestamptz, calls integer,
  exhausted_at timestamptz)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select c.service, p.key, p.name, c.meter, c.unit, c.limit_quantity, c.granted, c.used,
    quota.remaining_of(
      c.limit_quantity + c.granted, c.used, c.cost_limit, c.cost, c.unit, c.unit_price,
      quota.reserved_for(o.id, c.meter, coalesce(c.period_start, '-infinity'), null)),
    c.percent, c.state, c.cost, c.cost_limit, c.unit_price, l.reset_every,
    quota.last_reset(o.id, c.meter, c.period_start), nullif(c.period_end, 'infinity'),
    p.max_assistants, p.max_file_bytes, p.max_concurrent, p.max_session_seconds, p.allowed_models,
    p.upgrade_to, p.features, c.runs_out_at, c.calls, c.exhausted_at
  from quota.user_or_newcomer(p_user) o(id)
  cross join lateral quota.standing_of(o.id, p_service) c
  join quota.plans p on p.key = c.plan
  join quota.plan_limits l on l.plan = c.plan and l.meter = c.meter
  where quota.refuse_unknown_service(p_service)
  order by c.service, c.meter
$$;
comment on function quota.get_user_plan_limits(text, text) is
  'The limits of a user''s plans, by meter, with what is used and left of each, in quantity and in money, '
  'by how many calls, since when it is used up, and when it runs out at its pace, if before its reset; also '
  'before the first call, from default plans.';
