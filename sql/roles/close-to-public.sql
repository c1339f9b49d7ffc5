-- What is not given to a role below is nobody's.
revoke all on all functions in schema quota from public;
-- The default gives every new function to everybody.
alter default privileges in schema quota revoke execute on functions from public;
