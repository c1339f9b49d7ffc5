create or replace function quota.bound_user() returns uuid
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$ select b.user_id from quota.role_bindings b where b.role_name = session_user $$;
comment on function quota.bound_user() is
  'The user that the session''s login role is bound to; null: not bound.';
