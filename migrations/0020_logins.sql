-- Who calls: what each database role that an app uses speaks for. Registered by oid and by name, in this database
-- alone: whoever is not registered is refused.
create table quota.logins (
  role_name name primary key,
  role_oid oid unique,
  speaks_for text not null check (speaks_for in ('app', 'user', 'claim')),
  user_id uuid references quota.users,
  claim text check (claim <> ''),
  is_carried boolean not null default false,
  registered_at timestamptz not null default quota.now(),
  registered_by text not null default quota.actor(),
  check ((speaks_for = 'user') = (user_id is not null)),
  check ((speaks_for = 'claim') = (claim is not null))
);
comment on table quota.logins is
  'What a role of apps speaks for: the whole app, one user, or the user that a claim of request.jwt.claims names.';
comment on column quota.logins.role_oid is
  'The role itself, which keeps its oid when it is renamed; null: there was no role of that name.';
comment on column quota.logins.is_carried is
  'Registered by an upgrade, because it could call before; nobody has looked at it yet.';

insert into quota.logins (role_name, role_oid, speaks_for, user_id, is_carried)
select b.role_name, r.oid, 'user', b.user_id, true
from quota.role_bindings b left join pg_roles r on r.rolname = b.role_name;

-- Where apps call already, their logins go on as what they were, the whole app: an upgrade at night must not lock
-- them out. Roles that are put on with "set role" alone, as PostgREST does, saw everything of everybody: they do not.
insert into quota.logins (role_name, role_oid, speaks_for, is_carried)
select r.rolname, r.oid, 'app', true
from pg_roles r
where to_regproc('quota.refuse_other_user') is not null and r.rolcanlogin and not r.rolsuper
  and pg_has_role(r.oid, to_regrole('quota_app'), 'usage')
  and not pg_has_role(r.oid, to_regrole('quota_operator'), 'usage')
  and not pg_has_role(r.oid, (select n.nspowner from pg_namespace n where n.nspname = 'quota'), 'usage')
on conflict do nothing;

drop table quota.role_bindings;
alter table quota.users add constraint users_id_is_somebodys check (id <> '00000000-0000-0000-0000-000000000000');
