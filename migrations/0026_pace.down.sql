delete from quota.usage_alerts where threshold = 0;
drop index quota.usage_alerts_pace;
comment on column quota.usage_alerts.threshold is null;
