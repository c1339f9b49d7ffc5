drop table quota.erased_names;
