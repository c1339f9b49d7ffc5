drop table quota.operator_alerts;
drop table quota.service_settings;
