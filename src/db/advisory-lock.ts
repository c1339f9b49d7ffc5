import type pg from 'pg';
import { tryAgainError } from '../errors.ts';
import { isPooled } from './pooled-client.ts';
import { silenceMax } from './session-settings.ts';

export interface AdvisoryLockOptions {
  /** `try` gives up at once when somebody else holds the lock; `wait` waits for it. */
  mode: 'try' | 'wait';
  /** Whether the schema is there, by which nobody else can reckon the number of the lock. Default: it is. */
  isSeeded?: boolean;
  /** What to throw in mode `try` when the lock is taken. Default: a tryAgainError that names the key. */
  taken?: () => Promise<Error>;
  /** In mode `wait`: told where somebody else holds the lock, who is then waited for however long that takes. */
  onWait?: () => void;
}

/**
 * Holds an advisory lock of the session for the time of `use`. It only saves work: correctness must rest on unique
 * keys. Behind a pooler none is taken, for it would stay with a connection of the server that is somebody else's by then.
 * A session of which the server hears nothing meanwhile is ended by it after a minute, and the lock with it.
 * @throws tryAgainError in mode `try` when the lock is taken.
 */
export async function withAdvisoryLock<T>(
  client: pg.ClientBase,
  key: string,
  use: () => Promise<T>,
  { mode, isSeeded = true, taken = async () => takenError(key), onWait }: AdvisoryLockOptions,
): Promise<T> {
  if (isPooled(client)) {
    return use();
  }
  const number = isSeeded ? 'quota.lock_key($1)' : `hashtextextended('quota ' || $1, 0)`;
  const lock =
    onWait === undefined
      ? await acquire(client, { key, number, isSeeded }, mode)
      : await acquirePatiently(client, { key, number, isSeeded }, onWait);
  if (lock === undefined) {
    throw await taken();
  }
  try {
    return await use();
  } finally {
    await release(client, lock);
  }
}

const takenError = (key: string) =>
  tryAgainError(`${key} is being done by another process`, { suggestion: 'wait for it, then look again' });

interface Lock {
  key: string;
  /** In SQL, of the key. */
  number: string;
  isSeeded: boolean;
}

/** Answers the number of the lock once it is held: it may get another in the meantime. */
async function acquire(
  client: pg.ClientBase,
  lock: Lock,
  mode: AdvisoryLockOptions['mode'],
): Promise<string | undefined> {
  if (mode === 'wait') {
    const { rows } = await client.query<{ number: string }>(
      `select n.number, pg_advisory_lock(n.number), ${endInSilence} from (select ${lock.number} as number) n`,
      [lock.key],
    );
    return rows[0]?.number;
  }
  const number = await tryToAcquire(client, lock);
  // An app can take any number, and hold up the work for which it stands; not twice.
  return number === undefined && lock.isSeeded && (await isFreed(client, lock.key))
    ? tryToAcquire(client, lock)
    : number;
}

/** Tries, tells of it where that is in vain, and waits beyond the bound that other locks have. */
async function acquirePatiently(
  client: pg.ClientBase,
  lock: Lock,
  onWait: () => void,
): Promise<string | undefined> {
  const number = await tryToAcquire(client, lock);
  if (number !== undefined) {
    return number;
  }
  onWait();
  const { rows } = await client.query<{ timeout: string }>(
    `select current_setting('lock_timeout') as timeout, set_config('lock_timeout', '0', false)`,
  );
  try {
    return await acquire(client, lock, 'wait');
  } finally {
    await client.query(`select set_config('lock_timeout', $1, false)`, [rows[0]?.timeout]).catch(() => {});
  }
}

const endInSilence = `set_config('idle_session_timeout', '${silenceMax}', false)`;

async function tryToAcquire(client: pg.ClientBase, { key, number }: Lock): Promise<string | undefined> {
  const { rows } = await client.query<{ number: string; locked: boolean }>(
    `select n.number, pg_try_advisory_lock(n.number) as locked, ${endInSilence} from (select ${number} as number) n`,
    [key],
  );
  return rows[0]?.locked === true ? rows[0].number : undefined;
}

async function isFreed(client: pg.ClientBase, key: string): Promise<boolean> {
  const { rows } = await client.query<{ freed: boolean }>('select quota.free_lock($1) as freed', [key]);
  return rows[0]?.freed === true;
}

/** On a broken connection the server has released it. */
async function release(client: pg.ClientBase, number: string): Promise<void> {
  try {
    await client.query(
      `select pg_advisory_unlock($1::bigint), set_config('idle_session_timeout', '0', false)`,
      [number],
    );
  } catch {}
}
