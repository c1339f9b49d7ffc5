drop table quota.export_fetches, quota.fetched_calls;
