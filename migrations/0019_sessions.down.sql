drop index quota.call_logs_estimates;
alter table quota.call_logs drop column settled_by;
drop index quota.concurrent_processing_call;
alter table quota.concurrent_processing
  drop column cap, drop column estimate, drop column progress, drop column touched_at;
alter table quota.plans drop column lease_seconds;
