-- An alert of the threshold 0: at its pace a period runs out before its reset. Once per period, whatever became of it.
create unique index usage_alerts_pace on quota.usage_alerts (user_id, meter, period_start) where threshold = 0;
comment on column quota.usage_alerts.threshold is
  'In percent of the allowance or of the cost limit; 0: the pace, at which it runs out before its reset.';
