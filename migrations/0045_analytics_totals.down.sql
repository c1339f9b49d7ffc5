drop table quota.analytics_totals;
