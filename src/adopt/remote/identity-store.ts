import type pg from 'pg';
import { withSnapshot } from '../../db/transaction.ts';
import type { RemoteDatabase } from '../mapping.ts';

/** A standby is the same database as the server that it follows. */
export function identify(client: pg.ClientBase): Promise<RemoteDatabase> {
  return withSnapshot(client, async () => {
    const { rows } = await client.query<{ database: string; maySee: boolean }>(
      `select current_database() as database, has_function_privilege('pg_control_system()', 'execute') as "maySee"`,
    );
    const { database = '', maySee = false } = rows[0] ?? {};
    const { rows: systems } = maySee
      ? await client.query<{ system: string }>(
          'select system_identifier::text as system from pg_control_system()',
        )
      : { rows: [] };
    return { database, system: systems[0]?.system ?? null };
  });
}
