import type { Database, Talk } from '../../context.ts';
import { configurationError, refusedError, tryAgainError } from '../../errors.ts';
import { loadCoreSet } from '../core/core-set.ts';
import { installCore } from '../core/install.ts';
import { hasSqlstate } from '../database-error.ts';
import { withMigrator } from '../migrator.ts';
import { sqlstates } from '../sqlstate.ts';
import { dropStrayKeys, fillCallKeys, makeCallKeys } from './call-keys-store.ts';
import {
  type ActingSession,
  type CallTable,
  dropBorder,
  holdBorder,
  indexKey,
  insertPartitioned,
  makeMonths,
  selectCallTable,
  selectSession,
  setSession,
  validateBorder,
  waitForWriters,
  withPartitionLock,
} from './call-table-store.ts';
import { swapCallTable } from './swap-store.ts';

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
 * Makes `call_logs` a table of months. What takes long - keys, an index - is made while everybody goes on, and once it is made
 * it stays for the next attempt, until `quota jobs purge` takes it back. The border, beyond which calls are refused, is held
 * for the end alone, and let go of where that fails; then the tables change places in one short transaction.
 * @throws refusedError when something has come in the way since it was looked at; tryAgainError when somebody else does it
 */
export function partitionCalls(
  { client, url }: Pick<Database, 'client' | 'url'>,
  { border }: CallTable,
  reason: string | undefined,
  context: { talk: Talk; signal: AbortSignal },
): Promise<Partitioned> {
  const { talk, signal } = context;
  return withPartitionLock(client, async () => {
    talk.verbose('an index for the partition');
    await indexKey(client);
    const keys = await makeCallKeys(client);
    await withMigrator(url, context, (migrator) => waitForWriters(migrator.client));
    await talk.withProgress('keys of calls', null, async () => {
      for (let after: string | null = '0'; after !== null; ) {
        signal.throwIfAborted();
        after = await fillCallKeys(client, after, keysAtOnce);
      }
      await dropStrayKeys(client);
    });
    signal.throwIfAborted();
    talk.verbose(`calls begin before ${border}`);
    try {
      await withMigrator(url, context, (migrator) => holdBorder(migrator.client, border));
      await validateBorder(client);
      return await changePlaces(url, await selectSession(client), { border, keys, reason }, context);
    } catch (error) {
      await letGoOfBorder(url, border, talk);
      if (hasSqlstate(error, sqlstates.check_violation)) {
        requireFit(await selectCallTable(client, border));
      }
      throw error;
    }
  });
}

function changePlaces(
  url: string,
  session: ActingSession,
  { border, keys, reason }: { border: string; keys: string; reason: string | undefined },
  context: { talk: Talk; signal: AbortSignal },
): Promise<Partitioned> {
  return withMigrator(url, context, async ({ client }) => {
    const now = await selectCallTable(client, border);
    if (now.isPartitioned) {
      throw tryAgainError('call_logs has been partitioned by somebody else in the meantime');
    }
    await setSession(client, session);
    const set = await loadCoreSet();
    const beganMs = performance.now();
    if (!(await swapCallTable(client, border, keys))) {
      throw tryAgainError('somebody has taken back what was prepared', {
        suggestion: 'run the same command again',
      });
    }
    await installCore(client, set);
    const months = await makeMonths(client);
    const lockedMs = Math.round(performance.now() - beganMs);
    const auditId = await insertPartitioned(client, reason ?? null, { border, months });
    return { auditId, months, lockedMs };
  });
}

/** Over a connection of its own: that of the command may be what broke. */
async function letGoOfBorder(url: string, border: string, talk: Talk): Promise<void> {
  try {
    await withMigrator(url, { talk }, ({ client }) => dropBorder(client));
  } catch (error) {
    talk.warn(
      `call_logs still refuses calls from ${border} on (${(error as Error).message}): quota jobs purge takes that back`,
    );
  }
}
