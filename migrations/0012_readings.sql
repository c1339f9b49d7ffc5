-- A file that was read in another way - other columns, another order of dates - is another export.

alter table quota.billing_exports add column reading jsonb not null default '{}';
comment on column quota.billing_exports.reading is
  'How the file was told to be read: mapping, dateOrder, assumeUtc, as far as they were given.';

alter table quota.billing_exports drop constraint billing_exports_provider_sha256_key;

alter table quota.billing_exports add constraint billing_exports_content unique (provider, sha256, format, reading);
