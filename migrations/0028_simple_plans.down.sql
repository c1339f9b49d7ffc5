drop table quota.simple_plans;
