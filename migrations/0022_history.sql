-- A history that its writers cannot bend: who was logged in, beside whom they say they are; how far it is complete.
alter table quota.audit_log add column login text;
comment on column quota.audit_log.login is
  'The login that wrote the row, set by a trigger; actor is who it said to be. Null in rows from before it was kept.';

create table quota.audit_complete (
  is_only boolean primary key default true check (is_only),
  last_id bigint not null
);
comment on table quota.audit_complete is
  'Up to which id no row of the history can appear any more, as quota.audit_frontier() last found: only that is sealed.';
