import type pg from 'pg';
import { configurationError } from '../errors.ts';
import { hasSqlstate } from './database-error.ts';
import { sqlstates } from './sqlstate.ts';

/**
 * Makes the schema, where nobody has: an administrator may have made it for a role that may make none.
 * @throws configurationError where this role may not, with what an administrator runs
 */
export async function makeSchema(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ isThere: boolean; role: string }>(
    `select to_regnamespace('quota') is not null as "isThere", quote_ident(current_user) as role`,
  );
  if (rows[0]?.isThere === true) {
    return;
  }
  try {
    await client.query('create schema quota');
  } catch (error) {
    if (!hasSqlstate(error, sqlstates.insufficient_privilege)) {
      throw error;
    }
    throw configurationError(`the role ${rows[0]?.role} may not make the schema quota`, {
      detail: (error as Error).message,
      suggestion: `let an administrator of the database run: create schema quota authorization ${rows[0]?.role}`,
      cause: error,
    });
  }
}
