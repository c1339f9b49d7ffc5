create or replace function quota.keep_simple_plans() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  wanted quota.simple_plans[];
begin
  select array_agg((p.key, m.key, m.unit, coalesce(m.changed_at, '-infinity'), p.allowed_models,
    p.features)::quota.simple_plans)
  into wanted
  from quota.plans p
  join quota.meters m on m.service = p.service
  where m.unit in ('second', 'message') and m.models is null and m.measure is null
    and p.max_concurrent is distinct from 0
    and not exists (select from quota.meters o where o.service = m.service and o.key <> m.key)
    and array(select l.meter from quota.plan_limits l where l.plan = p.key) = array[m.key];
  delete from quota.simple_plans s
  where not exists (select from unnest(wanted) w where w is not distinct from s);
  insert into quota.simple_plans select w.* from unnest(wanted) w on conflict do nothing;
  return null;
end $$;

-- All are looked at: there are few, and they change when an operator applies plans.
create or replace trigger plans_kept_simple after insert or update or delete on quota.plans
  for each statement execute function quota.keep_simple_plans();
create or replace trigger plan_limits_kept_simple after insert or update or delete on quota.plan_limits
  for each statement execute function quota.keep_simple_plans();
create or replace trigger meters_kept_simple after insert or update or delete on quota.meters
  for each statement execute function quota.keep_simple_plans();
