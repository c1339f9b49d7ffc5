drop table quota.audit_seals;
