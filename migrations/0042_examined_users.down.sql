drop table quota.examined_users;
