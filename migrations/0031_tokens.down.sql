alter table quota.usage_analytics drop column bytes, drop column tokens;
