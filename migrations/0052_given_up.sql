-- An assistant that its owner gave up stays gone also where the provider, which did not know it for a while, does again.
alter table quota.assistants add column is_given_up boolean not null default false;
comment on column quota.assistants.is_given_up is
  'Of one that is gone: the adopted product has it no more, whatever the provider says. Of one that is active it says nothing.';

-- Reports count users across days and keys, and read them of usage_analytics.
alter table quota.analytics_totals drop column users;
