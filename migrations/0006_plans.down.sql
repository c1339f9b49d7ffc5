drop table quota.plan_versions;
