-- Refused by the server where the history has names of somebody who is in another shard.
alter table quota.audit_personal add constraint audit_personal_user_id_fkey
  foreign key (user_id) references quota.users (id);
drop table quota.arriving_rows;
drop table quota.arriving_users;
drop table quota.moved_users;
