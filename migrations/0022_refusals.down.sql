drop table quota.refusals;
