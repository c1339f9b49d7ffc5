create table quota.plan_versions (
  plan text not null references quota.plans,
  version integer not null,
  definition jsonb not null,
  reason text,
  actor text not null default quota.actor(),
  applied_at timestamptz not null default quota.now(),
  primary key (plan, version)
);
comment on table quota.plan_versions is 'What a plan was, version by version. Append-only.';

insert into quota.plan_versions (plan, version, definition, reason)
select p.key, p.version, jsonb_build_object(
    'key', p.key, 'service', p.service, 'name', p.name, 'timezone', p.timezone, 'maxAssistants', p.max_assistants,
    'maxFileBytes', p.max_file_bytes::text, 'maxConcurrent', p.max_concurrent,
    'maxSessionSeconds', trim_scale(p.max_session_seconds)::text, 'allowedModels', p.allowed_models,
    'isDefault', p.is_default, 'anonymous', p.anonymous, 'upgradeTo', p.upgrade_to, 'limitedState', p.limited_state,
    'limits', coalesce((
      select jsonb_agg(jsonb_build_object(
        'meter', l.meter, 'limit', trim_scale(l.limit_quantity)::text, 'costLimit', trim_scale(l.cost_limit)::text,
        'unitPrice', trim_scale(l.unit_price)::text,
        'resetEvery', case when l.reset_every = interval '1 month' then '1 month' else l.reset_every::text end,
        'resetAnchor', l.reset_anchor, 'boundary', l.boundary, 'warnAt', l.warn_at, 'onExceeded', l.on_exceeded)
        order by l.meter)
      from quota.plan_limits l where l.plan = p.key), '[]')),
  'as it was when versions began to be kept'
from quota.plans p;
