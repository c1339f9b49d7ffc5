create or replace function quota.get_user_plan_limits(p_user uuid)
returns table (
  service text, plan text, plan_name text, meter text, unit text, limit_quantity numeric, cost_limit numeric,
  unit_price numeric, reset_every interval, used numeric, remaining numeric, resets_at timestamptz,
  max_assistants integer, max_file_bytes bigint, max_concurrent integer, max_session_seconds numeric,
  allowed_models text[], upgrade_to text)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select c.service, p.key, p.name, c.meter, c.unit, c.limit_quantity, c.cost_limit, c.unit_price,
    l.reset_every, c.used,
    quota.remaining_of(
      c.limit_quantity + c.granted, c.used, c.cost_limit, c.cost, c.unit, c.unit_price,
      quota.reserved_for(c.user_id, c.service)),
    nullif(c.period_end, 'infinity'),
    p.max_assistants, p.max_file_bytes, p.max_concurrent, p.max_session_seconds, p.allowed_models,
    p.upgrade_to
  from quota.current_quotas(p_user) c
  join quota.plans p on p.key = c.plan
  join quota.plan_limits l on l.plan = c.plan and l.meter = c.meter
  where quota.refuse_other_user(p_user)
  order by c.service, c.meter
$$;
comment on function quota.get_user_plan_limits(uuid) is
  'The limits of a user''s plans with what is left of each.';
