drop table quota.role_bindings;
