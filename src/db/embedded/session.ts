import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { configurationError, QuotaError, unavailableError } from '../../errors.ts';
import { endClient } from '../end-client.ts';
import { errorCode } from '../error-code.ts';
import { watchOver } from '../lifeline.ts';
import { keepRoleOutOfSchema } from '../search-path-store.ts';
import { clientAt, connectTo, type Refusal, refusalOf } from './connection.ts';
import { countOtherClients, giveUpLease, takeLease } from './lease-store.ts';
import { type EmbeddedLocation, locateEmbedded, urlAt } from './location.ts';
import { type PidFile, stopFast } from './pid-file.ts';
import type { ServerStart } from './server.ts';

const retryMs = 10;
const reachMsMax = 20_000;
/** A server that answers "starting up" after a crash replays its log, at most max_wal_size of it. */
const recoverMsMax = 60_000;
/** The backend of a connection that was closed a moment ago may still be seen. */
const lingerMs = 50;
const looksMax = 5;
const shutdownNoticeMsMax = 5_000;

export interface EmbeddedOptions {
  dataDir: string;
  signal?: AbortSignal | undefined;
  /** More settings of the client, such as application_name. */
  clientConfig?: pg.ClientConfig | undefined;
}

export interface EmbeddedSession {
  /** For further connections; close them before the session. */
  url: string;
  /** Connected, for any work but `discard all` and `pg_advisory_unlock_all()`: it holds the lease. */
  client: pg.Client;
  /** Leaves the server; the last to leave stops it unless it was asked to stay. Never throws. */
  close(): Promise<void>;
}

/**
 * A session on the embedded server of a data directory, which is made and started if need be. Any number of
 * processes share the server; each holds a lease on it as long as it lives.
 *
 * @throws configurationError where there can be none, unavailableError if it does not answer in time, and the
 * signal's reason.
 */
export async function openEmbedded(options: EmbeddedOptions): Promise<EmbeddedSession> {
  try {
    return await open(locateEmbedded(options.dataDir), options);
  } catch (error) {
    if (options.signal?.aborted) {
      throw options.signal.reason;
    }
    if (error instanceof QuotaError || !isFileError(error)) {
      throw error;
    }
    throw configurationError(`the data directory ${options.dataDir} cannot be used`, {
      detail: error.message,
      suggestion: 'choose another QUOTA_DATA_DIR, or set DATABASE_URL to a PostgreSQL 15 to 18',
      cause: error,
    });
  }
}

async function open(location: EmbeddedLocation, options: EmbeddedOptions): Promise<EmbeddedSession> {
  const { signal, clientConfig } = options;
  let { socketDirectory } = location;
  let server: ServerStart | undefined;
  let since = performance.now();
  for (;;) {
    signal?.throwIfAborted();
    const attempt = await lease(location, socketDirectory, clientConfig);
    if (!('refused' in attempt)) {
      if (server !== undefined) {
        await keepRoleOutOfSchema(attempt.client);
      }
      return sessionOf(location, socketDirectory, attempt.client, attempt.pidFile);
    }
    const { refused, error } = attempt;
    const waitMs = errorCode(error) === '57P03' ? recoverMsMax : reachMsMax;
    const ended = server && endOf(server, location);
    if (ended === 'failed' || performance.now() - since > waitMs) {
      throw await unreachable(location, error);
    }
    if (refused === 'absent' && (server === undefined || ended === 'stopped')) {
      const { livingServer } = await import('./process.ts');
      const living = livingServer(location.cluster);
      if (living) {
        socketDirectory = living.socketDirectory || socketDirectory;
      } else {
        const before = performance.now();
        const { startServer } = await import('./server.ts');
        server = await startServer(location, signal);
        since += performance.now() - before;
        socketDirectory = location.socketDirectory;
      }
    }
    await delay(retryMs, undefined, { signal });
  }
}

async function lease(
  location: EmbeddedLocation,
  socketDirectory: string,
  clientConfig: pg.ClientConfig | undefined,
): Promise<{ client: pg.Client; pidFile: PidFile | undefined } | Refusal> {
  const client = await connectTo(location, socketDirectory, clientConfig);
  if ('refused' in client) {
    return client;
  }
  try {
    const pidFile = await takeLease(client);
    if (pidFile !== 'busy' && pidFile?.status !== 'stopping') {
      return { client, pidFile };
    }
    await client.end();
    return { refused: 'passing', error: undefined };
  } catch (error) {
    void client.end().catch(() => {});
    return refusalOf(error);
  }
}

function sessionOf(
  location: EmbeddedLocation,
  socketDirectory: string,
  client: pg.Client,
  pidFile: PidFile | undefined,
): EmbeddedSession {
  let closing: Promise<void> | undefined;
  const endWatch = watchOver(client, { another: () => clientAt(socketDirectory) });
  const close = () => {
    endWatch();
    closing ??= leave(location, client, pidFile)
      .catch(() => {}) // the server went away first: the lease went with it
      .then(() => endClient(client))
      .catch(() => {});
    return closing;
  };
  return { url: urlAt(socketDirectory), client, close };
}

/**
 * The sole lease keeps newcomers out until the server has ended this session, so it is not ended from here: they
 * would take a server that is about to go for one that stays.
 */
async function leave(
  location: EmbeddedLocation,
  client: pg.Client,
  pidFile: PidFile | undefined,
): Promise<void> {
  if (pidFile === undefined || existsSync(location.stayMark)) {
    return;
  }
  // Not only where it is known to have failed: an error is told before the server says what has become of its transaction.
  if (client.getTransactionStatus() !== 'I') {
    await client.query('rollback');
  }
  if (!(await giveUpLease(client)) || existsSync(location.stayMark)) {
    return;
  }
  // Sessions that have just ended are seen for a moment, on a busy machine for longer.
  for (let looks = 0; (await countOtherClients(client)) > 0; looks += 1) {
    if (looks === looksMax) {
      return;
    }
    await delay(lingerMs);
  }
  await shutDown(client, pidFile.pid);
}

/** Asks the server to end, and waits until it has ended the session of `client`; not until it is gone. */
export async function shutDown(client: pg.Client, pid: number): Promise<void> {
  const ended = new Promise((resolve) => client.once('end', resolve));
  stopFast(pid);
  await Promise.race([ended, delay(shutdownNoticeMsMax, undefined, { ref: false })]);
}

function endOf(server: ServerStart, location: EmbeddedLocation) {
  try {
    return server.ended();
  } catch (cause) {
    throw configurationError('the embedded PostgreSQL cannot be run', {
      detail: `${cause instanceof Error ? cause.message : cause} (for the data in ${location.directory})`,
      suggestion: 'set DATABASE_URL to a PostgreSQL 15 to 18',
      cause,
    });
  }
}

async function unreachable(location: EmbeddedLocation, cause: unknown): Promise<QuotaError> {
  const { logTail } = await import('./server.ts');
  const reason = cause instanceof Error ? cause.message : 'it is neither free nor gone';
  return unavailableError(`the embedded database in ${location.directory} does not answer: ${reason}`, {
    detail: `the end of ${location.logFile}:\n${logTail(location)}`,
    suggestion: 'try again if it is still starting; otherwise set DATABASE_URL to use another database',
    cause,
  });
}

const fileErrors = new Set([
  'EACCES',
  'EPERM',
  'EROFS',
  'ENOSPC',
  'EDQUOT',
  'ENOTDIR',
  'EEXIST',
  'ELOOP',
  'EIO',
]);

const isFileError = (error: unknown): error is Error => fileErrors.has(errorCode(error) ?? '');
