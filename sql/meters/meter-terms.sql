create or replace view quota.meter_terms with (security_invoker = true) as
select m.key, m.service, m.unit, m.models, m.patterns, m.measure,
  coalesce(m.changed_at, '-infinity') as since, 'infinity'::timestamptz as until
from quota.meters m
union all
select m.key, m.service, m.unit, f.models, f.patterns, f.measure,
  coalesce(lag(f.until) over (partition by f.meter order by f.until), '-infinity'), f.until
from quota.former_meters f join quota.meters m on m.key = f.meter;
comment on view quota.meter_terms is
  'How each meter counts the periods that end after since, up to until; "infinity" belongs to the present '
  'terms.';
