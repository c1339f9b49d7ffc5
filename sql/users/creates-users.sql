create or replace function quota.creates_users() returns boolean
language sql stable
as $$ select s.value = 'on' from quota.settings s where s.name = 'auto_create_users' $$;
comment on function quota.creates_users() is
  'Whether the first call of a user whom nobody has told of makes the user: the setting auto_create_users.';
