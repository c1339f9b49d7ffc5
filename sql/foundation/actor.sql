create or replace function quota.actor() returns text
language sql stable parallel safe
as $$ select coalesce(nullif(pg_catalog.current_setting('quota.actor', true), ''), session_user::text) $$;
comment on function quota.actor() is 'Who acts: the session setting quota.actor, else the database role.';
