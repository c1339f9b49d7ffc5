create or replace function quota.newcomer() returns uuid
language sql immutable parallel safe
as $$ select '00000000-0000-0000-0000-000000000000'::uuid $$;
comment on function quota.newcomer() is
  'Stands for a user whom nobody has told of yet: signed up now, in UTC, nothing used. Nobody has this id.';
