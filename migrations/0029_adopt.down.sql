drop schema if exists quota_adopt cascade;
drop table quota.adopt_assistants;
drop table quota.adopt_dead;
drop table quota.adopt_links;
drop table quota.adopt_sources;
drop table quota.adopt_products;
