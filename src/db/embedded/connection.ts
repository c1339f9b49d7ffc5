import pg from 'pg';
import { unavailableError } from '../../errors.ts';
import { errorCode } from '../error-code.ts';
import { type EmbeddedLocation, embeddedDatabase, embeddedPort, embeddedRole, ownersOf } from './location.ts';
import { assertPrivate } from './private-directory.ts';

const connectMsMax = 5_000;

/** Nobody listens, or somebody does who cannot serve us now but this or another server soon will. */
export interface Refusal {
  refused: 'absent' | 'passing';
  error: unknown;
}

/** A client of the server with this socket, not yet connected. */
export const clientAt = (socketDirectory: string, clientConfig?: pg.ClientConfig): pg.Client =>
  new pg.Client({
    connectionTimeoutMillis: connectMsMax,
    ...clientConfig,
    host: socketDirectory,
    port: embeddedPort,
    user: embeddedRole,
    database: embeddedDatabase,
    ssl: false,
  });

/**
 * A client connected to a running server, without a lease; `refused` if that cannot be had at the moment.
 * @throws unavailableError for what does not pass, such as a missing database
 */
export async function connectTo(
  location: EmbeddedLocation,
  socketDirectory: string,
  clientConfig?: pg.ClientConfig,
): Promise<pg.Client | Refusal> {
  if (!assertPrivate(socketDirectory, ownersOf(location))) {
    return { refused: 'absent', error: undefined };
  }
  const client = clientAt(socketDirectory, clientConfig);
  // Without a listener a server that goes away would crash the process; whatever query is under way rejects anyway.
  client.on('error', () => {});
  try {
    await client.connect();
    return client;
  } catch (error) {
    return refusalOf(error);
  }
}

/** @throws unavailableError for what is wrong for good, such as a missing database or too many clients. */
export function refusalOf(error: unknown): Refusal {
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
      throw unavailableError('the embedded database refuses to be used', {
        detail: error instanceof Error ? error.message : String(error),
        suggestion: 'see `quota db status`, or set DATABASE_URL to use another database',
        cause: error,
      });
  }
}
