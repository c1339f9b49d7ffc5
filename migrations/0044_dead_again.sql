-- A row may wait a second time: who takes it up at this moment holds what is known of it, and has read it as it was before.
alter table quota.adopt_dead add column is_again boolean not null default false;
comment on column quota.adopt_dead.is_again is 'The row was told again while somebody was taking it up: it is looked at once more.';
drop index quota.adopt_dead_row;
create unique index adopt_dead_row on quota.adopt_dead (source, key) where key is not null and not is_again;
