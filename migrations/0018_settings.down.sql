drop table quota.settings;
