drop table quota.usage_analytics, quota.audit_log, quota.job_runs, quota.assistant_limits, quota.assistants,
  quota.concurrent_processing, quota.usage_alerts, quota.grants, quota.adjustments, quota.call_logs,
  quota.limit_overrides, quota.subscriptions, quota.plan_limits, quota.plans, quota.meters, quota.users, quota.usage_quotas;
