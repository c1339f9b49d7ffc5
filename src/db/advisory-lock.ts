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
  const number = isSeeded ? seededNumber : `hashtextextended('quota ' || $1, 0)`;
  const wanted: Lock = { key, number, isSeeded, heldBy: 'session' };
  const lock =
    onWait === undefined
      ? await acquire(client, wanted, mode)
      : await acquirePatiently(client, wanted, onWait);
  if (lock === undefined) {
    throw await taken();
  }
  try {
    return await use();
  } finally {
    await release(client, lock);
  }
}

/**
 * Holds an advisory lock until the transaction ends, behind a pooler, too. Waits for it, however long that takes.
 * @param onWait told where somebody else holds it
 */
export async function lockInTransaction(
  client: pg.ClientBase,
  key: string,
  onWait: () => void,
): Promise<void> {
  const lock: Lock = { key, number: seededNumber, isSeeded: true, heldBy: 'transaction' };
  await acquirePatiently(client, lock, onWait);
}

const seededNumber = 'quota.lock_key($1)';

const takenError = (key: string) =>
  tryAgainError(`${key} is being done by another process`, { suggestion: 'wait for it, then look again' });

interface Lock {
  key: string;
  /** In SQL, of the key. */
  number: string;
  isSeeded: boolean;
  heldBy: 'session' | 'transaction';
}

/** Answers the number of the lock once it is held: it may get another in the meantime. */
async function acquire(
  client: pg.ClientBase,
  lock: Lock,
  mode: AdvisoryLockOptions['mode'],
): Promise<string | undefined> {
  if (mode === 'wait') {
    const { rows } = await client.query<{ number: string }>(
      `select n.number, pg_advisory${scopes[lock.heldBy]}_lock(n.number), ${endInSilence(lock)}
       from (select ${lock.number} as number) n`,
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
  const isLocal = lock.heldBy === 'transaction';
  const { rows } = await client.query<{ timeout: string }>(
    `select current_setting('lock_timeout') as timeout, set_config('lock_timeout', '0', $1)`,
    [isLocal],
  );
  try {
    return await acquire(client, lock, 'wait');
  } finally {
    await client
      .query(`select set_config('lock_timeout', $1, $2)`, [rows[0]?.timeout, isLocal])
      .catch(() => {});
  }
}

/** In the names of the server's functions. */
const scopes = { session: '', transaction: '_xact' };

/** What is held by the session goes with a session that is silent. */
const endInSilence = ({ heldBy }: Lock) =>
  heldBy === 'session' ? `set_config('idle_session_timeout', '${silenceMax}', false)` : 'null';

async function tryToAcquire(client: pg.ClientBase, lock: Lock): Promise<string | undefined> {
  const { rows } = await client.query<{ number: string; locked: boolean }>(
    `select n.number, pg_try_advisory${scopes[lock.heldBy]}_lock(n.number) as locked, ${endInSilence(lock)}
     from (select ${lock.number} as number) n`,
    [lock.key],
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
