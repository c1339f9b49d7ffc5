-- Tables of adopted products that are in another database: what is read there, and how far.
alter table quota.adopt_sources add column reading jsonb;
alter table quota.adopt_sources add column staged text check (staged in ('copying', 'copied'));
alter table quota.adopt_sources add column staged_to jsonb;
alter table quota.adopt_sources add column followed jsonb;
alter table quota.adopt_sources add column followed_at timestamptz;
alter table quota.adopt_sources add column followed_rows bigint not null default 0;
alter table quota.adopt_sources add column follow_error text;
alter table quota.adopt_sources add column follow_failed_at timestamptz;
alter table quota.adopt_dead add column is_unread boolean not null default false;
comment on column quota.adopt_sources.reading is
  'What is read of a table in another database, as SQL over its row r; null: it is in this one, and triggers tell.';
comment on column quota.adopt_sources.staged is
  'A backfill is copying the rows of another database, or has them; null: none is under way.';
comment on column quota.adopt_sources.staged_to is 'The key of the last row that was copied.';
comment on column quota.adopt_sources.followed is
  'How far the rows of another database are followed, and how far they were when: where the next look begins.';
comment on column quota.adopt_sources.followed_at is 'When a look at the other database was last through.';
comment on column quota.adopt_sources.followed_rows is 'Rows that were read by following, those that were read again included.';
comment on column quota.adopt_sources.follow_error is 'Why the last look failed; null: it did not.';
comment on column quota.adopt_sources.follow_failed_at is 'When that was.';
comment on column quota.adopt_dead.is_unread is
  'It could not even be read in another database, and is read there again; else it is tried as it was told last.';
