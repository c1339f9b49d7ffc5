import type { Knex } from 'knex';
import calls from './sql/0004_reconcile_calls.sql';
import tables from './sql/0004_reconcile_tables.sql';

/** Billing exports, reconciliations and the matching of call lines with call logs. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('set local check_function_bodies = off');
  for (const sql of [tables, calls]) {
    await knex.raw(sql.replaceAll('?', '\\?'));
  }
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop function quota.match_calls, quota.apply_pairs, quota.pair_by_time, quota.find_repetitions, quota.pair_kind,
      quota.line_kind, quota.line_at;
    drop table quota.discrepancies, quota.reconciliation_items, quota.reconciliation_exports, quota.reconciliations,
      quota.billing_lines, quota.billing_exports`);
}
