drop table quota.lock_seeds;
