-- As the core of then has them, that of names with "*" alone.
drop trigger if exists meters_before_write on quota.meters;
update quota.meters set patterns = (
  select array_agg(replace(replace(replace(replace(name, '\', '\\'), '_', '\_'), '%', '\%'), '*', '%') order by name)
  from unnest(models) name where name like '%*%');
update quota.former_meters set patterns = (
  select array_agg(replace(replace(replace(replace(name, '\', '\\'), '_', '\_'), '%', '\%'), '*', '%') order by name)
  from unnest(models) name where name like '%*%');
comment on column quota.meters.models is
  'When set, the meter counts only calls of these models; "*" in a name stands for any text: claude-*.';
comment on column quota.meters.patterns is 'The models with "*", for like; null: there are none. Kept by a trigger.';
