-- What a whole database decides for every client of it, whatever it is written in.
create table quota.settings (
  name text primary key check (name in ('auto_create_users')),
  value text not null,
  changed_at timestamptz not null default quota.now(),
  changed_by text not null default quota.actor(),
  check (name <> 'auto_create_users' or value in ('on', 'off'))
);
comment on table quota.settings is
  'Settings of this database. auto_create_users: whether the first call of a user whom nobody has told of makes the user.';
insert into quota.settings (name, value, changed_by) values ('auto_create_users', 'on', 'default');
