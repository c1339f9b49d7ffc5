drop table quota.former_plans;
alter table quota.meters drop column is_live;
