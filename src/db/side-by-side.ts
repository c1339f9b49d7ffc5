import type pg from 'pg';
import type { Database } from '../context.ts';
import { isServerError } from './database-error.ts';
import { isPooled } from './pooled-client.ts';
import { rollBack, withSnapshot } from './transaction.ts';

/** Sessions that can work side by side. */
export type Sessions = readonly [pg.Client, ...pg.Client[]];

/**
 * Runs `use` with the session of a database and one more, so that two can work side by side; with that session alone where
 * there is no other: the server has no room for it, or a pooler would let it wait for the first.
 */
export async function withTwoSessions<T>(
  { client, connect }: Pick<Database, 'client' | 'connect'>,
  use: (clients: Sessions) => Promise<T>,
): Promise<T> {
  if (isPooled(client)) {
    return use([client]);
  }
  let isOpen = false;
  try {
    return await connect((other) => {
      isOpen = true;
      return use([client, other]);
    });
  } catch (error) {
    if (isOpen) {
      throw error;
    }
    return use([client]);
  }
}

/** A second session has to be opened, and to learn the catalogue: with fewer quotas one is done sooner alone. */
const quotasMin = 50_000;

/** The same where there is much to read; else with the one session. */
export async function withSessions<T>(
  database: Pick<Database, 'client' | 'connect'>,
  use: (clients: Sessions) => Promise<T>,
): Promise<T> {
  const { rows } = await database.client.query<{ quotas: number }>(
    `select reltuples::float8 as quotas from pg_class where oid = to_regclass('quota.usage_quotas')`,
  );
  return (rows[0]?.quotas ?? 0) < quotasMin ? use([database.client]) : withTwoSessions(database, use);
}

/** The same; what both read is of one moment, whatever others commit meanwhile. */
export function withSessionsInSnapshot<T>(
  database: Pick<Database, 'client' | 'connect'>,
  use: (clients: Sessions) => Promise<T>,
): Promise<T> {
  return withSessions(database, ([client, other]) =>
    withSnapshot(client, async () => {
      if (other === undefined) {
        return use([client]);
      }
      try {
        return await use((await shareSnapshot(client, other)) ? [client, other] : [client]);
      } finally {
        await rollBack(other);
      }
    }),
  );
}

/** Whether the other sees what the first does: a name that stands for several servers may have led to another one. */
async function shareSnapshot(client: pg.Client, other: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ snapshot: string }>('select pg_export_snapshot() as snapshot');
  await other.query('begin isolation level repeatable read read only');
  try {
    await other.query(`set transaction snapshot ${other.escapeLiteral(rows[0]?.snapshot ?? '')}`);
    return true;
  } catch (error) {
    if (isServerError(error)) {
      return false;
    }
    throw error;
  }
}

/** What one session works at. */
export type Work<T> = (client: pg.Client) => Promise<T>;

/**
 * Does all of it, each by the first session that has nothing to do: what takes longest is best begun first. The results are in
 * the order of the works. When one fails nothing more is begun, and the error is thrown once no session works any more.
 */
export async function shareOut<Works extends readonly Work<unknown>[] | []>(
  clients: Sessions,
  works: Works,
): Promise<{ -readonly [Place in keyof Works]: Awaited<ReturnType<Works[Place]>> }> {
  const results: unknown[] = [];
  const waiting = works.entries();
  let failed: { error: unknown } | undefined;
  await Promise.all(
    clients.map(async (client) => {
      for (const [place, work] of waiting) {
        try {
          results[place] = await work(client);
        } catch (error) {
          failed ??= { error };
        }
        if (failed !== undefined) {
          return;
        }
      }
    }),
  );
  if (failed !== undefined) {
    throw failed.error;
  }
  return results as { -readonly [Place in keyof Works]: Awaited<ReturnType<Works[Place]>> };
}
