-- Plans as data: their versions, and what a changed plan does to running periods.

create or replace function quota.plan_definition(p_plan text) returns jsonb
language sql stable
as $$
  select jsonb_build_object(
    'key', p.key, 'service', p.service, 'name', p.name, 'timezone', p.timezone,
    'maxAssistants', p.max_assistants, 'enforceMaxAssistants', p.enforce_max_assistants,
    'maxFileBytes', p.max_file_bytes::text, 'maxConcurrent', p.max_concurrent,
    'maxSessionSeconds', trim_scale(p.max_session_seconds)::text,
    'leaseSeconds', trim_scale(p.lease_seconds)::text,
    'allowedModels', p.allowed_models,
    'isDefault', p.is_default, 'anonymous', p.anonymous, 'upgradeTo', p.upgrade_to,
    'limitedState', p.limited_state, 'features', p.features,
    'limits', coalesce((
      select jsonb_agg(jsonb_build_object(
        'meter', l.meter, 'limit', trim_scale(l.limit_quantity)::text,
        'costLimit', trim_scale(l.cost_limit)::text,
        'unitPrice', trim_scale(l.unit_price)::text, 'resetEvery', quota.interval_text(l.reset_every),
        'resetAnchor', l.reset_anchor, 'boundary', l.boundary, 'warnAt', l.warn_at,
        'onExceeded', l.on_exceeded)
        order by l.meter)
      from quota.plan_limits l where l.plan = p.key), '[]'))
  from quota.plans p where p.key = p_plan
$$;
comment on function quota.plan_definition(text) is
  'A plan with its limits, as plan show prints it and plan_versions keeps it.';
