-- What the products call, from any language, in one round trip: may this user do that, this was used, a session
-- begins and ends. They raise QT001 (unknown user), QT002 (unknown service), QT003 (a value that cannot be) and
-- QT004 (a time that cannot be) and QT006 (another user's connection), with messages that an app can show.

create table quota.role_bindings (
  role_name name primary key,
  user_id uuid not null references quota.users
);
comment on table quota.role_bindings is 'Login roles that speak for one user: they see and ask about that user only.';
