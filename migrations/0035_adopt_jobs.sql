-- Running jobs of adopted products are a kind of source, too.
alter table quota.adopt_sources drop constraint adopt_sources_kind_check;
alter table quota.adopt_sources add constraint adopt_sources_kind_check
  check (kind in ('users', 'assistants', 'calls', 'jobs'));
