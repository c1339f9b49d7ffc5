import type { Knex } from 'knex';
import controls from './sql/0013_controls.sql';

/** What the provider counted itself, of a month that was fetched. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(controls);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table quota.reconciliation_exports drop column control');
}
