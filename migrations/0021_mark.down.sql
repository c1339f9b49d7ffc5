drop table quota.database_mark;
