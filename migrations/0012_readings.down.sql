-- Fails where a file was read in two ways: which of them to forget is not for a migration to say.
alter table quota.billing_exports drop constraint billing_exports_content;
alter table quota.billing_exports add constraint billing_exports_provider_sha256_key unique (provider, sha256);
alter table quota.billing_exports drop column reading;
