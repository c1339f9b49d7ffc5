create or replace function quota.meters_before_write() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
  new.patterns := quota.like_patterns(new.models);
  new.measure := quota.measure_of(new.key, new.unit, new.rounding, new.credit_seconds);
  if tg_op = 'UPDATE' and (old.models, old.measure) is distinct from (new.models, new.measure) then
    insert into quota.former_meters (meter, until, models, patterns, measure)
    values (old.key, quota.now(), old.models, old.patterns, old.measure)
    on conflict do nothing;
    new.changed_at := quota.now();
  end if;
  return new;
end $$;
comment on function quota.meters_before_write() is
  'Makes of the models and the rounding of a meter what its calls are counted by, and keeps what it was: '
  'periods that are over go on being counted so.';

create or replace trigger meters_before_write before insert or update on quota.meters
  for each row execute function quota.meters_before_write();
