create or replace function quota.is_plain_caller() returns boolean
language sql stable
as $$
  -- Inlined, and right in security definer functions only, where current_user is the owner: nobody else may
  -- call it. What is not plain is looked at by quota.caller().
  select current_setting('role') = 'none' and (session_user = current_user or quota.is_app_login())
$$;
comment on function quota.is_plain_caller() is
  'The short way of quota.caller() for whoever calls all day: true only where that says "all", for a login '
  'without a set role that is the owner or registered as the whole app.';
