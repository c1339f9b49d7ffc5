import pg from 'pg';
import { configurationError, unavailableError } from '../errors.ts';
import { isLoopback } from '../values/transport.ts';
import { redactUrls } from './redact-url.ts';

/** A server that does not answer is reported within 5 seconds, start of the process included. */
const connectTimeoutMs = 4000;

/** What every connection of quota has in common; the embedded server's clients take it too. */
export const clientConfig = {
  application_name: 'quota',
  connectionTimeoutMillis: connectTimeoutMs,
  keepAlive: true,
} satisfies pg.ClientConfig;

/**
 * Opens a connection for the time of `use`.
 * @throws unavailableError saying where the server was looked for, never with which password; the reason of the
 * signal when it aborts before the connection is there.
 */
export async function withClient<T>(
  url: string,
  use: (client: pg.Client) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  signal?.throwIfAborted();
  const client = createClient(url);
  await connect(client, signal);
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

/**
 * The host of a database off this machine that is spoken to without TLS, and whose URL does not ask for just that.
 * @throws configurationError for a URL that cannot be used
 */
export function plainDatabaseHost(url: string): string | undefined {
  const { host, ssl } = createClient(url);
  return ssl || isLoopback(host) || /[?&]sslmode=disable(?:&|$)/.test(url) ? undefined : host;
}

function createClient(url: string): pg.Client {
  try {
    const client = new pg.Client({ ...clientConfig, connectionString: url });
    // Without a listener a connection that ends while idle ends the process; the next query reports it.
    client.on('error', () => {});
    return client;
  } catch (error) {
    throw configurationError('the database URL cannot be used', {
      detail: redactUrls((error as Error).message),
    });
  }
}

async function connect(client: pg.Client, signal: AbortSignal | undefined): Promise<void> {
  const giveUp = () => client.connection.stream.destroy();
  signal?.addEventListener('abort', giveUp, { once: true });
  try {
    await client.connect();
  } catch (error) {
    signal?.throwIfAborted();
    throw unavailableError(`PostgreSQL cannot be reached at ${describeTarget(client)}`, {
      detail: redactUrls(reasonOf(error)),
      suggestion:
        'start it, or correct DATABASE_URL; without DATABASE_URL an embedded server is used (quota db start)',
      cause: error,
    });
  } finally {
    signal?.removeEventListener('abort', giveUp);
  }
}

/** `host:port/database`, or the path of the socket. */
const describeTarget = ({ host, port, database }: pg.Client): string => `${host}:${port}/${database ?? ''}`;

/** Node reports several addresses that failed as one error without a message. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) {
    return [...new Set(error.errors.map(reasonOf))].join(', ');
  }
  const message = error instanceof Error ? error.message : String(error);
  return /^timeout expired/.test(message) ? `no answer within ${connectTimeoutMs / 1000} seconds` : message;
}
