-- Every built-in plan warns at 80 and 90 % and tells what is used up; a plan that somebody changed stays as it is.
update quota.plan_limits set warn_at = '{80,90,100}'
where plan = 'avatar-monthly' and warn_at = '{80}';
update quota.plans p set version = p.version + 1
where p.key = 'avatar-monthly' and exists (
  select from quota.plan_versions v
  where v.plan = p.key and v.version = p.version and v.definition->'limits'->0->'warnAt' = '[80]')
  and exists (select from quota.plan_limits l where l.plan = p.key and l.warn_at = '{80,90,100}');
insert into quota.plan_versions (plan, version, definition, reason)
select p.key, p.version, jsonb_set(v.definition, '{limits,0,warnAt}', '[80, 90, 100]'), 'warns at 80, 90 and 100 %'
from quota.plans p
join quota.plan_versions v on v.plan = p.key and v.version = p.version - 1
where p.key = 'avatar-monthly' and v.definition->'limits'->0->'warnAt' = '[80]'
on conflict do nothing;
