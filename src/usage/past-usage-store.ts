import type pg from 'pg';

/**
 * To be called within a transaction: what its calls cross is dated by them and kept as alerts that nobody is told, for
 * they tell of the past.
 */
export async function keepAlertsQuiet(client: pg.ClientBase): Promise<void> {
  await client.query(`select set_config('quota.backfill', 'on', true)`);
}
