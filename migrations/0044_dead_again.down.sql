delete from quota.adopt_dead d where d.is_again and exists (
  select from quota.adopt_dead o where o.source = d.source and o.key = d.key and (not o.is_again or o.id < d.id));
drop index quota.adopt_dead_row;
create unique index adopt_dead_row on quota.adopt_dead (source, key) where key is not null;
alter table quota.adopt_dead drop column is_again;
