delete from quota.cache_outbox where due_at is not null;
alter table quota.cache_outbox drop column due_at;
drop table quota.cache_templates;
