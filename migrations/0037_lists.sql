-- The history by what was done, the latest first.
create index audit_log_action on quota.audit_log (action, id);
-- By its times, which grow with it: a few pages, and next to nothing to write.
create index audit_log_times on quota.audit_log using brin (at, recorded_at)
  with (pages_per_range = 32, autosummarize = on);
-- Alerts and grants, the latest first, whoever has them.
create index usage_alerts_latest on quota.usage_alerts (crossed_at desc, threshold desc, id);
create index grants_latest on quota.grants (created_at desc, id desc);
