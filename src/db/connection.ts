import type pg from 'pg';
import type { Database, DatabaseOptions, Settings } from '../context.ts';
import { isLoopback } from '../values/transport.ts';
import { cancelOnAbort, finishMsMax } from './cancel-on-abort.ts';
import { withClient } from './client.ts';
import type { EmbeddedSession } from './embedded/session.ts';
import { replicaAwayError, requireReplica } from './replica.ts';
import { prepareSession, prepareSessionWithSchema } from './session.ts';
import { clientConfig, type OpenClient } from './target/open-client.ts';
import { adviseOn } from './target/refusal.ts';
import { readTarget } from './target/target.ts';

export interface DatabaseRequest extends DatabaseOptions {
  settings: Pick<Settings, 'databaseUrl' | 'databaseNamedBy' | 'dataDir' | 'actor'>;
  /** A standby of that database, which is asked in its place. */
  replicaUrl?: string | undefined;
  asOf: string | null;
  signal: AbortSignal;
  /** Told when the database is spoken to over a network without TLS. Default: nobody. */
  warn?(text: string): void;
}

/**
 * Opens the database of the settings for the time of `use`: the one of DATABASE_URL, else the embedded server,
 * which is started if need be and stopped by the last process that leaves. In place of both the replica, where one is given.
 * @throws unavailableError, configurationError
 */
export async function withDatabase<T>(
  asked: DatabaseRequest,
  use: (database: Database) => Promise<T>,
): Promise<T> {
  const { until } = asked;
  const request = until === undefined ? asked : { ...asked, signal: AbortSignal.any([asked.signal, until]) };
  const url = request.replicaUrl ?? request.settings.databaseUrl;
  if (url !== undefined) {
    return withServer(request, url, use);
  }
  return withEmbedded(request, ({ client, url }) => useClient(request, client, url, use));
}

async function withServer<T>(
  request: DatabaseRequest,
  url: string,
  use: (database: Database) => Promise<T>,
): Promise<T> {
  const target = readTarget(url);
  let isOpen = false;
  const onOpen = ({ host, isEncrypted }: OpenClient) => {
    isOpen = true;
    if (!isEncrypted && target.isSslModeAssumed && !isLoopback(host.name)) {
      request.warn?.(
        `the database on ${host.name} is spoken to unencrypted: add sslmode=verify-full to its URL, or sslmode=disable where the network may be trusted`,
      );
    }
  };
  try {
    return await withClient(url, (client) => useClient(request, client, url, use), request.signal, onOpen);
  } catch (error) {
    if (isOpen) {
      throw error;
    }
    throw request.replicaUrl === undefined
      ? adviseOn(error, request.settings.databaseNamedBy)
      : replicaAwayError(error);
  }
}

async function withEmbedded<T>(
  { settings, signal }: DatabaseRequest,
  use: (session: EmbeddedSession) => Promise<T>,
): Promise<T> {
  const { openEmbedded } = await import('./embedded/session.ts');
  const session = await openEmbedded({ dataDir: settings.dataDir, signal, clientConfig });
  try {
    return await use(session);
  } finally {
    await session.close();
  }
}

async function useClient<T>(
  request: DatabaseRequest,
  client: pg.Client,
  url: string,
  use: (database: Database) => Promise<T>,
): Promise<T> {
  const { settings, asOf, signal, schema, onAbort } = request;
  const session = { asOf, actor: settings.actor };
  const guarded = <R>(guardedClient: pg.Client, useGuarded: () => Promise<R>) =>
    cancelOnAbort(guardedClient, signal, useGuarded, onAbort === 'finish' ? finishMsMax : 0);
  return guarded(client, async () => {
    if (request.replicaUrl !== undefined) {
      await requireReplica(client, request);
    }
    const opened = await (schema === 'any'
      ? prepareSession(client, session)
      : prepareSessionWithSchema(client, session));
    return use({
      ...opened,
      // A tunnel that ends here looks local, too: then the mark is all there is.
      isLocal: isLoopback(client.host),
      client,
      url,
      connect: (useMore) =>
        withClient(url, (more) =>
          guarded(more, async () => {
            await prepareSession(more, session);
            return useMore(more);
          }),
        ),
    });
  });
}
