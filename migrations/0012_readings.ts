import type { Knex } from 'knex';
import readings from './sql/0012_readings.sql';

/** How a billing export was told to be read. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(readings);
}

/** Fails where a file was read in two ways: which of them to forget is not for a migration to say. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table quota.billing_exports drop constraint billing_exports_content;
    alter table quota.billing_exports add constraint billing_exports_provider_sha256_key unique (provider, sha256);
    alter table quota.billing_exports drop column reading`);
}
