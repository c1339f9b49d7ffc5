drop table quota.cache_outbox, quota.cache_state;
