-- What apps ask all day long needs one look where a plan has one meter that counts every call as it is.
create table quota.simple_plans (
  plan text primary key references quota.plans on update cascade on delete cascade,
  meter text not null,
  unit text not null,
  since timestamptz not null,
  allowed_models text[],
  features jsonb not null
);
comment on table quota.simple_plans is
  'The plans whose service has one meter, which counts each call as it is, and what quota.check and quota.record need of them. Kept by triggers on plans, plan_limits and meters; nobody else writes here.';
comment on column quota.simple_plans.since is 'Since when the meter counts as it does; -infinity: ever.';

insert into quota.simple_plans (plan, meter, unit, since, allowed_models, features)
select p.key, m.key, m.unit, coalesce(m.changed_at, '-infinity'), p.allowed_models, p.features
from quota.plans p
join quota.meters m on m.service = p.service
where m.unit in ('second', 'message') and m.models is null and m.measure is null and p.max_concurrent is distinct from 0
  and not exists (select from quota.meters o where o.service = m.service and o.key <> m.key)
  and array(select l.meter from quota.plan_limits l where l.plan = p.key) = array[m.key];
