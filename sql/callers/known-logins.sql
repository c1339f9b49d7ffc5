create or replace function quota.known_logins()
returns table (
  role_name name, speaks_for text, external_id text, claim text, state text, is_member boolean,
  registered_at timestamptz, registered_by text)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select l.role_name, l.speaks_for, u.external_id, l.claim,
    case when r.oid is null then 'gone' when r.rolname <> l.role_name then 'renamed'
      when l.is_carried then 'carried' else 'registered' end,
    coalesce(pg_has_role(r.oid, to_regrole('quota_app'), 'usage'), false), l.registered_at, l.registered_by
  from quota.logins l
  left join pg_roles r on r.oid = l.role_oid
  left join quota.users u on u.id = l.user_id
  where (select quota.bound_user()) is null or l.user_id = (select quota.bound_user())
  union all
  select r.rolname, null, null, null, 'refused', true, null, null
  from pg_roles r
  where (select quota.bound_user()) is null
    and pg_has_role(r.oid, to_regrole('quota_app'), 'usage') and r.rolname <> 'quota_app'
    and not exists (select from quota.logins l where l.role_oid = r.oid or l.role_name = r.rolname)
    and (quota.role_standing(r.rolname)).standing = 'unregistered'
  order by 1
$$;
comment on function quota.known_logins() is
  'The roles that are registered, and the members of quota_app that are not and so are refused. state: '
  'registered, carried (by an upgrade, to be looked at), renamed or gone (then refused, too), refused. '
  'Whoever speaks for one user sees the logins of that user only.';
