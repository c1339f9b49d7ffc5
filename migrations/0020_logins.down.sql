create table quota.role_bindings (
  role_name name primary key,
  user_id uuid not null references quota.users
);
comment on table quota.role_bindings is 'Login roles that speak for one user: they see and ask about that user only.';
insert into quota.role_bindings (role_name, user_id)
select l.role_name, l.user_id from quota.logins l where l.speaks_for = 'user';
drop table quota.logins;
alter table quota.users drop constraint users_id_is_somebodys;
