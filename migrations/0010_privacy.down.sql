drop table quota.audit_personal;
