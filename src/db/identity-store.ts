import type pg from 'pg';
import { withSnapshot } from './transaction.ts';

/** Which database of which server it is. */
export interface DatabaseIdentity {
  database: string;
  /** What tells its server apart; null where the login may not see it. */
  system: string | null;
}

/** A standby is the same database as the server that it follows. */
export function identify(client: pg.ClientBase): Promise<DatabaseIdentity> {
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

/** Whether both can be the same, as far as the logins may see. */
export const isSameDatabase = (one: DatabaseIdentity, other: DatabaseIdentity): boolean =>
  one.database === other.database && !isOtherServer(one, other);

export const isOtherServer = (one: DatabaseIdentity, other: DatabaseIdentity): boolean =>
  one.system !== null && other.system !== null && one.system !== other.system;
