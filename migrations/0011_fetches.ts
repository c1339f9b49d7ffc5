import type { Knex } from 'knex';
import fetches from './sql/0011_fetches.sql';

/** Where calls wait that are fetched from a provider's API. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(fetches);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table quota.export_fetches, quota.fetched_calls');
}
