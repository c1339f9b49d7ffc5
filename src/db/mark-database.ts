import type pg from 'pg';
import type { Environment } from '../context.ts';
import { hasSqlstate } from './database-error.ts';
import { upsertMark } from './mark-store.ts';
import { sqlstates } from './sqlstate.ts';
import { withTransaction } from './transaction.ts';

/** Without tables, or for a login that may not, it stays unmarked. */
const expected = [sqlstates.insufficient_privilege, sqlstates.undefined_table, sqlstates.invalid_schema_name];

/** Writes down what somebody answered. */
export async function markIfAllowed(client: pg.ClientBase, environment: Environment): Promise<void> {
  try {
    await withTransaction(client, () => upsertMark(client, environment, 'asked before a change'));
  } catch (error) {
    if (!expected.some((code) => hasSqlstate(error, code))) {
      throw error;
    }
  }
}
