drop table quota.alert_deliveries, quota.analytics_changes, quota.analytics_days;
drop index quota.call_logs_details, quota.call_logs_active, quota.usage_quotas_granted;
alter table quota.usage_analytics drop column premium_messages;
