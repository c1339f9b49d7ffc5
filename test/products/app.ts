import pg from 'pg';
import { createTestDatabase } from '../database.ts';

export interface App {
  stop(): Promise<void>;
  /** One row of an app's call, at the app's time. */
  call<Row = Record<string, unknown>>(sql: string, values?: unknown[]): Promise<Row>;
  rows<Row = Record<string, unknown>>(sql: string, values?: unknown[]): Promise<Row[]>;
  /** Every call after this happens at that instant. */
  at(instant: string): void;
  addUser(externalId: string, createdAt: string, timezone?: string): Promise<string>;
}

/** An application in front of a fresh database: it has SQL and nothing else. */
export async function startApp(instant: string): Promise<App> {
  const database = await createTestDatabase();
  const pool = new pg.Pool({ connectionString: database.url, max: 20 });
  pool.on('error', () => {});
  let now = instant;
  const rows: App['rows'] = async (sql, values = []) => {
    const client = await pool.connect();
    try {
      await client.query(`select set_config('quota.as_of', $1, false)`, [now]);
      return (await client.query(sql, values)).rows as never;
    } finally {
      client.release();
    }
  };
  const call: App['call'] = async (sql, values) => (await rows(sql, values))[0] as never;
  return {
    stop: async () => {
      await pool.end();
      await database.drop();
    },
    call,
    rows,
    at: (next) => {
      now = next;
    },
    addUser: async (externalId, createdAt, timezone = 'UTC') =>
      (
        await call<{ id: string }>(
          'insert into quota.users (external_id, created_at, timezone) values ($1, $2, $3) returning id',
          [externalId, createdAt, timezone],
        )
      ).id,
  };
}

/** Quotas that differ from what their facts sum to: none, whatever an app did. */
export const differences = (app: App) =>
  app.rows(
    `select * from quota.usage_from_facts() except
     select user_id, meter, period_start, used, adjusted, cost, calls from quota.usage_quotas`,
  );
