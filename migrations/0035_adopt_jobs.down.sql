delete from quota.adopt_sources where kind = 'jobs';
alter table quota.adopt_sources drop constraint adopt_sources_kind_check;
alter table quota.adopt_sources add constraint adopt_sources_kind_check
  check (kind in ('users', 'assistants', 'calls'));
