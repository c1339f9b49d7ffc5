alter table quota.assistants drop column held;
