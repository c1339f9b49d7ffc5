drop index quota.users_erased;
drop table quota.audit_reasons;
