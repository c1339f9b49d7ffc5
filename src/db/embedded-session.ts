import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { configurationError, QuotaError, unavailableError } from '../errors.ts';
import { countOtherClients, giveUpLease, takeLease } from './embedded-lease-store.ts';
import {
  type EmbeddedLocation,
  embeddedDatabase,
  embeddedPort,
  embeddedRole,
  locateEmbedded,
  ownerUid,
  urlAt,
} from './embedded-location.ts';
import { livingServer, type PidFile, stopFast } from './embedded-process.ts';
import type { ServerStart } from './embedded-server.ts';
import { errorCode } from './error-code.ts';
import { assertPrivate } from './private-directory.ts';

const retryMs = 10;
const reachMsMax = 20_000;
/** A server that answers "starting up" after a crash replays its log, at most max_wal_size of it. */
const recoverMsMax = 60_000;
const connectMsMax = 5_000;
/** The backend of a connection that was closed a moment ago may still be seen. */
const lingerMs = 50;
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

/** Nobody listens, or somebody does who cannot serve us now but this or another server soon will. */
export type Refusal = { refused: 'absent' | 'passing'; error: unknown };

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
    if (error instanceof QuotaError || !isFileError(error)) throw error;
    throw configurationError(`The data directory ${options.dataDir} cannot be used`, {
      detail: error.message,
      suggestion: 'Choose another QUOTA_DATA_DIR, or set DATABASE_URL to a PostgreSQL 15 to 18.',
      cause: error,
    });
  }
}

/** A client connected to a running server, without a lease; `refused` if that cannot be had at the moment. */
export async function connectTo(
  location: EmbeddedLocation,
  socketDirectory: string,
  clientConfig?: pg.ClientConfig,
): Promise<pg.Client | Refusal> {
  if (!assertPrivate(socketDirectory, ownerUid(location))) return { refused: 'absent', error: undefined };
  const client = new pg.Client({
    connectionTimeoutMillis: connectMsMax,
    ...clientConfig,
    host: socketDirectory,
    port: embeddedPort,
    user: embeddedRole,
    database: embeddedDatabase,
    ssl: false,
  });
  // Without a listener a server that goes away would crash the process; whatever query is under way rejects anyway.
  client.on('error', () => {});
  try {
    await client.connect();
    return client;
  } catch (error) {
    return refusalOf(error);
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
    if (!('refused' in attempt)) return sessionOf(location, socketDirectory, attempt.client, attempt.pidFile);
    const { refused, error } = attempt;
    const waitMs = errorCode(error) === '57P03' ? recoverMsMax : reachMsMax;
    const ended = server && endOf(server, location);
    if (ended === 'failed' || performance.now() - since > waitMs) throw await unreachable(location, error);
    if (refused === 'absent' && (server === undefined || ended === 'stopped')) {
      const living = livingServer(location.cluster);
      if (living) socketDirectory = living.socketDirectory || socketDirectory;
      else {
        const before = performance.now();
        const { startServer } = await import('./embedded-server.ts');
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
  if ('refused' in client) return client;
  try {
    const pidFile = await takeLease(client);
    if (pidFile !== 'busy' && pidFile?.status !== 'stopping') return { client, pidFile };
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
  const close = () => {
    closing ??= leave(location, client, pidFile)
      .catch(() => {}) // the server went away first: the lease went with it
      .then(() => client.end())
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
  if (pidFile === undefined || existsSync(location.stayMark)) return;
  if (client.getTransactionStatus() === 'E') await client.query('rollback');
  if (!(await giveUpLease(client)) || existsSync(location.stayMark)) return;
  if ((await countOtherClients(client)) > 0) {
    await delay(lingerMs);
    if ((await countOtherClients(client)) > 0) return;
  }
  await shutDown(client, pidFile.pid);
}

/** Asks the server to end, and waits until it has ended the session of `client`; not until it is gone. */
export async function shutDown(client: pg.Client, pid: number): Promise<void> {
  const ended = new Promise((resolve) => client.once('end', resolve));
  stopFast(pid);
  await Promise.race([ended, delay(shutdownNoticeMsMax, undefined, { ref: false })]);
}

/** @throws what is wrong for good, such as a missing database or too many clients. */
function refusalOf(error: unknown): Refusal {
  switch (errorCode(error)) {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return { refused: 'absent', error };
    case undefined: // node-postgres: the connection ended, or did not come about in time
    case 'EAGAIN': // the server's queue of new connections is full
    case 'ECONNRESET':
    case 'EPIPE':
    case '57P01': // admin_shutdown
    case '57P02': // crash_shutdown
    case '57P03': // cannot_connect_now: starting or stopping
      return { refused: 'passing', error };
    default:
      throw unavailableError('The embedded database refuses to be used', {
        detail: error instanceof Error ? error.message : String(error),
        suggestion: 'See `quota db status`, or set DATABASE_URL to use another database.',
        cause: error,
      });
  }
}

function endOf(server: ServerStart, location: EmbeddedLocation) {
  try {
    return server.ended();
  } catch (cause) {
    throw configurationError('The embedded PostgreSQL cannot be run', {
      detail: `${cause instanceof Error ? cause.message : cause} (for the data in ${location.directory})`,
      suggestion: 'Set DATABASE_URL to a PostgreSQL 15 to 18.',
      cause,
    });
  }
}

async function unreachable(location: EmbeddedLocation, cause: unknown): Promise<QuotaError> {
  const { logTail } = await import('./embedded-server.ts');
  const reason = cause instanceof Error ? cause.message : 'it is neither free nor gone';
  return unavailableError(`The embedded database in ${location.directory} does not answer: ${reason}`, {
    detail: `The end of ${location.logFile}:\n${logTail(location)}`,
    suggestion: 'Try again if it is still starting; otherwise set DATABASE_URL to use another database.',
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
