-- What is not given to a role below is nobody's.
revoke all on all functions in schema quota from public;
-- PostgreSQL gives every new function to everybody, and what a schema says can only add to that: it is taken
-- away for all that the owner makes, and given back in the schemas of others, which are not our business.
alter default privileges revoke execute on functions from public;
do $$
declare
  other name;
begin
  for other in
    select n.nspname from pg_namespace n
    where n.nspname <> 'quota' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  loop
    execute format('alter default privileges in schema %I grant execute on functions to public', other);
  end loop;
end $$;
