-- Roles for others than the owner of the schema. Roles belong to the whole server: they are made where the
-- owner may make roles and they are not there yet, and they stay when the schema goes.
do $$
declare
  wanted text;
begin
  foreach wanted in array array['quota_app', 'quota_operator', 'quota_finance', 'quota_readonly'] loop
    if not exists (select 1 from pg_roles where rolname = wanted) then
      execute format('create role %I nologin', wanted);
    end if;
  end loop;
exception
  when duplicate_object or unique_violation then
    null; -- Another database's migration made it at this very moment.
  when insufficient_privilege then
    raise notice 'the roles of quota were not made: the owner may not create roles';
end $$;
