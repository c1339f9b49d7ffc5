import type { Database, Talk } from '../context.ts';
import { configurationError, refusedError, tryAgainError } from '../errors.ts';
import { loadCoreSet } from './core/core-set.ts';
import { installCore } from './core/install.ts';
import { withMigrator } from './migrator.ts';
import {
  type CallTable,
  dropStrayKeys,
  fillCallKeys,
  holdBorder,
  indexKey,
  insertPartitioned,
  makeCallKeys,
  makeMonths,
  selectCallTable,
  selectSession,
  setSession,
  swapCallTable,
} from './partition-store.ts';

export interface Partitioned {
  auditId: string;
  /** Months that were made ahead. */
  months: number;
  /** For how long nobody else could write or read calls. */
  lockedMs: number;
}

/** Calls whose keys are written down in one statement. */
const keysAtOnce = 20_000;

/**
 * @throws configurationError where something of others needs the table as it is; refusedError where calls begin later than
 * the first month that is to have a partition of its own
 */
export function requireFit({ dependents, border, lastStartedAt }: CallTable): void {
  if (dependents.length > 0) {
    throw configurationError('other things need call_logs as it is', {
      detail: dependents.join('\n'),
      suggestion: 'drop them, run the same command again, and make them anew',
    });
  }
  if (lastStartedAt !== null && lastStartedAt >= `${border}-01`) {
    throw refusedError(`there are calls that begin in ${border} or later: until ${lastStartedAt}`, {
      suggestion: 'name a later month with --from',
    });
  }
}

/**
 * Makes `call_logs` a table of months. What takes long - keys, an index, a constraint - is made while everybody goes on, and
 * once it is made it stays for the next attempt; then the tables change places in one short transaction.
 * @throws refusedError when something has come in the way since it was looked at
 */
export async function partitionCalls(
  { client, url }: Pick<Database, 'client' | 'url'>,
  { border }: CallTable,
  reason: string | undefined,
  { talk, signal }: { talk: Talk; signal: AbortSignal },
): Promise<Partitioned> {
  talk.verbose(`calls begin before ${border}`);
  await holdBorder(client, border);
  talk.verbose('an index for the partition');
  await indexKey(client);
  await makeCallKeys(client);
  await talk.withProgress('keys of calls', null, async () => {
    for (let after: string | null = '0'; after !== null; ) {
      signal.throwIfAborted();
      after = await fillCallKeys(client, after, keysAtOnce);
    }
    await dropStrayKeys(client);
  });
  const session = await selectSession(client);
  return withMigrator(url, { talk, signal }, async (migrator) => {
    const now = await selectCallTable(migrator.client, border);
    if (now.isPartitioned) {
      throw tryAgainError('call_logs has been partitioned by somebody else in the meantime');
    }
    await setSession(migrator.client, session);
    const set = await loadCoreSet();
    const beganMs = performance.now();
    await swapCallTable(migrator.client, border);
    await installCore(migrator.client, set);
    const months = await makeMonths(migrator.client);
    const lockedMs = Math.round(performance.now() - beganMs);
    const auditId = await insertPartitioned(migrator.client, reason ?? null, { border, months });
    return { auditId, months, lockedMs };
  });
}
