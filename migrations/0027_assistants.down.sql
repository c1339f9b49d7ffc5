alter table quota.plans drop column enforce_max_assistants;
