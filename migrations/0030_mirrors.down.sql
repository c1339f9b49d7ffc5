drop table quota.adopt_mirrors;
