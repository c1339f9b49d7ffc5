drop table quota.audit_complete;
alter table quota.audit_log drop column login;
