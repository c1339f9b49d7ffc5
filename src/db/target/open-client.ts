import pg from 'pg';
import { errorCode } from '../error-code.ts';
import { findPassword } from './password-file.ts';
import { noPassword, type Refusal, unreachableError } from './refusal.ts';
import { readTarget, type SessionAttributes, type Target, type TargetHost } from './target.ts';
import { type Transport, transportsOf } from './tls.ts';

export interface OpenClient {
  client: pg.Client;
  /** Whose name or address it is reached by, and whether what is said can be read on the way. */
  host: TargetHost;
  isEncrypted: boolean;
  /** One more client for the same server, spoken to in the same way; not yet connected. */
  another(): pg.Client;
}

/** What every connection of quota has in common; the embedded server's clients take it too. */
export const clientConfig = {
  application_name: 'quota',
  connectionTimeoutMillis: 4000,
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
} satisfies pg.ClientConfig;

/**
 * A connection to the first server of a URL that answers and is what target_session_attrs asks for.
 * @throws unavailableError saying where the server was looked for, never with which password; configurationError for a
 * URL that cannot be used; the reason of the signal when it aborts before the connection is there.
 */
export async function openClient(url: string, signal?: AbortSignal): Promise<OpenClient> {
  const target = readTarget(url);
  const refusals: Refusal[] = [];
  const wanted =
    target.sessionAttributes === 'prefer-standby'
      ? (['standby', 'any'] as const)
      : [target.sessionAttributes];
  for (const attributes of wanted) {
    for (const host of target.hosts) {
      const opened = await openHost(target, host, attributes, signal);
      if ('client' in opened) {
        return opened;
      }
      refusals.push(opened);
    }
  }
  throw unreachableError(target, refusals);
}

async function openHost(
  target: Target,
  host: TargetHost,
  attributes: SessionAttributes,
  signal: AbortSignal | undefined,
): Promise<OpenClient | Refusal> {
  const transports = transportsOf(target, host);
  for (;;) {
    const transport = transports.shift() ?? null;
    const client = createClient(target, host, transport);
    try {
      await connect(client, signal);
      await requireAttributes(client, attributes);
      return {
        client,
        host,
        isEncrypted: transport !== null || host.address.startsWith('/'),
        another: () => createClient(target, host, transport),
      };
    } catch (error) {
      signal?.throwIfAborted();
      client.end().catch(() => {});
      if (transports.length === 0 || !isOfTransport(error)) {
        return { host, error };
      }
    }
  }
}

/** Another way of speaking may help: the server speaks no TLS, or wants it, or its TLS is not ours. */
function isOfTransport(error: unknown): boolean {
  const code = errorCode(error) ?? '';
  return code === '28000' || /^(?:ERR_|EPROTO|ECONNRESET)|CERT/.test(code) || /SSL/.test(`${error}`);
}

function createClient(target: Target, host: TargetHost, transport: Transport): pg.Client {
  const client = new pg.Client({
    ...clientConfig,
    application_name: target.applicationName,
    connectionTimeoutMillis: target.connectTimeoutMs,
    host: host.address,
    port: host.port,
    user: target.user,
    database: target.database,
    password: () => passwordFor(target, host),
    ssl: transport ?? false,
    ...(target.options !== undefined && { options: target.options }),
    ...{ sslnegotiation: transport === null ? 'postgres' : target.sslNegotiation },
  });
  // Without a listener a connection that ends while idle ends the process; the next query reports it.
  client.on('error', () => {});
  return client;
}

/** Asked when the server wants one. */
function passwordFor({ password, passwordFile, database, user }: Target, { name, port }: TargetHost): string {
  if (password !== undefined) {
    return password;
  }
  const { password: kept, refusal } = findPassword(passwordFile, { host: name, port, database, user });
  if (kept === undefined) {
    throw new Error(refusal ?? noPassword);
  }
  return kept;
}

async function connect(client: pg.Client, signal: AbortSignal | undefined): Promise<void> {
  const giveUp = () => client.connection.stream.destroy();
  signal?.addEventListener('abort', giveUp, { once: true });
  try {
    signal?.throwIfAborted();
    await client.connect();
  } finally {
    signal?.removeEventListener('abort', giveUp);
  }
}

/** https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-TARGET-SESSION-ATTRS */
async function requireAttributes(client: pg.Client, attributes: SessionAttributes): Promise<void> {
  if (attributes === 'any' || attributes === 'prefer-standby') {
    return;
  }
  const { rows } = await client.query<{ isStandby: boolean; isReadOnly: boolean }>(
    `select pg_catalog.pg_is_in_recovery() as "isStandby",
       pg_catalog.pg_is_in_recovery() or pg_catalog.current_setting('default_transaction_read_only')::bool as "isReadOnly"`,
  );
  const { isStandby = false, isReadOnly = false } = rows[0] ?? {};
  const fits = {
    'read-write': !isReadOnly,
    'read-only': isReadOnly,
    primary: !isStandby,
    standby: isStandby,
  }[attributes];
  if (!fits) {
    throw new Error(`it is not what target_session_attrs=${attributes} asks for`);
  }
}
