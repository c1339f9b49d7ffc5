drop index quota.assistants_numbers;
alter table quota.assistants drop column is_gated, drop column numbers;
