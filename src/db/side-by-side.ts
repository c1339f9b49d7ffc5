import type pg from 'pg';
import type { Database } from '../context.ts';
import { isPooled } from './pooled-client.ts';

/**
 * Runs `use` with the session of a database and one more, so that two can work side by side; with that session alone where
 * there is no other: the server has no room for it, or a pooler would let it wait for the first.
 */
export async function withTwoSessions<T>(
  { client, connect }: Pick<Database, 'client' | 'connect'>,
  use: (clients: readonly [pg.Client, ...pg.Client[]]) => Promise<T>,
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
