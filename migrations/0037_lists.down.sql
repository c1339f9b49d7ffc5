drop index quota.grants_latest;
drop index quota.usage_alerts_latest;
drop index quota.audit_log_times;
drop index quota.audit_log_action;
