alter table quota.plans add column enforce_max_assistants boolean not null default false;
comment on column quota.plans.enforce_max_assistants is
  'Plain rows of assistants beyond max_assistants are refused; else only quota.add_assistant keeps the maximum.';
