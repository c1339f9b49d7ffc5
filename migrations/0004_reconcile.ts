import type { Knex } from 'knex';
import calls from './sql/0004_reconcile_calls.sql';
import days from './sql/0004_reconcile_days.sql';
import guards from './sql/0004_reconcile_guards.sql';
import rates from './sql/0004_reconcile_rates.sql';
import store from './sql/0004_reconcile_store.sql';
import tables from './sql/0004_reconcile_tables.sql';

/** Billing exports, reconciliations and the matching of billing lines with call logs. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('set local check_function_bodies = off');
  for (const sql of [tables, calls, days, store, guards, rates]) {
    await knex.raw(sql.replaceAll('?', '\\?'));
  }
}

/** Functions that take a row of a table go with it. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table quota.discrepancies, quota.reconciliation_items, quota.reconciliation_exports, quota.reconciliations,
      quota.billing_lines, quota.billing_exports, quota.rate_cards, quota.export_mappings cascade`);
  await knex.raw(`
    drop function quota.next_export, quota.pair_kind, quota.stated_seconds, quota.line_key, quota.model_family, quota.store_items, quota.find_discrepancies,
      quota.store_discrepancies, quota.compute_reconciliation, quota.closed_months, quota.refuse_closed,
      quota.guard_reconciliation, quota.guard_attachment, quota.guard_answer, quota.guard_lines, quota.expected_costs`);
}
