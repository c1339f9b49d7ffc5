drop index quota.assistants_organisation;
alter table quota.assistants drop column organisation;
drop index quota.assistant_limits_gone;
alter table quota.assistant_limits drop column doubtful, drop column made;
comment on column quota.assistant_limits.original is
  'The limited fields as they were, present ones only: a field of applied or intents that is missing here was not set.';
