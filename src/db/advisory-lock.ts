import type pg from 'pg';
import { tryAgainError } from '../errors.ts';

export interface AdvisoryLockOptions {
  /** `try` gives up at once when somebody else holds the lock; `wait` waits for it. */
  mode: 'try' | 'wait';
  /** What to throw in mode `try` when the lock is taken. Default: a tryAgainError that names the key. */
  taken?: () => Promise<Error>;
}

/**
 * Holds an advisory lock of the session for the time of `use`. It only saves work: behind PgBouncer in
 * transaction mode it protects nothing, so correctness must rest on unique keys.
 * @throws tryAgainError in mode `try` when the lock is taken.
 */
export async function withAdvisoryLock<T>(
  client: pg.ClientBase,
  key: string,
  use: () => Promise<T>,
  { mode, taken = async () => takenError(key) }: AdvisoryLockOptions,
): Promise<T> {
  if (!(await acquire(client, key, mode))) {
    throw await taken();
  }
  try {
    return await use();
  } finally {
    await release(client, key);
  }
}

const takenError = (key: string) =>
  tryAgainError(`${key} is being done by another process`, { suggestion: 'wait for it, then look again' });

async function acquire(client: pg.ClientBase, key: string, mode: 'try' | 'wait'): Promise<boolean> {
  if (mode === 'wait') {
    await client.query(`select pg_advisory_lock(hashtextextended('quota ' || $1, 0))`, [key]);
    return true;
  }
  const { rows } = await client.query<{ locked: boolean }>(
    `select pg_try_advisory_lock(hashtextextended('quota ' || $1, 0)) as locked`,
    [key],
  );
  return rows[0]?.locked === true;
}

/** On a broken connection the server has released it. */
async function release(client: pg.ClientBase, key: string): Promise<void> {
  try {
    await client.query(`select pg_advisory_unlock(hashtextextended('quota ' || $1, 0))`, [key]);
  } catch {}
}
