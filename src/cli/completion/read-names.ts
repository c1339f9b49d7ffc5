import type { Settings } from '../../context.ts';
import { withClient } from '../../db/client.ts';
import { locateEmbedded, urlAt } from '../../db/embedded/location.ts';
import { livingServer } from '../../db/embedded/process.ts';
import type { NameKind } from './name-kinds.ts';
import { type Name, selectNames } from './names-store.ts';

/** Whoever types waits no longer for a database that is away, or slow. */
const deadlineMsDefault = 150;

/** What a shell takes for a word and nothing else: names are of customers, and what is completed is run. */
const plainWord = /^[\p{L}\p{N}_][\p{L}\p{N}_.@+:,=/-]*$/u;

/**
 * Names that begin so, from the database of the settings; none where it does not answer in time or does not let us look.
 * An embedded server that does not run is not started for it.
 */
export async function readNames(
  { databaseUrl, dataDir }: Pick<Settings, 'databaseUrl' | 'dataDir'>,
  kind: NameKind,
  start: string,
  deadlineMs = deadlineMsDefault,
): Promise<Name[]> {
  const deadline = AbortSignal.timeout(deadlineMs);
  const late = new Promise<Name[]>((resolve) => {
    deadline.addEventListener('abort', () => resolve([]));
  });
  const url = () => databaseUrl ?? embeddedUrl(dataDir);
  return Promise.race([late, readFrom(url, { kind, start, deadlineMs }, deadline).catch(() => [])]);
}

async function readFrom(
  urlOf: () => string | undefined,
  wanted: { kind: NameKind; start: string; deadlineMs: number },
  deadline: AbortSignal,
): Promise<Name[]> {
  const url = urlOf();
  if (url === undefined) {
    return [];
  }
  return withClient(
    url,
    async (client) => {
      deadline.addEventListener('abort', () => client.connection.stream.destroy());
      const names = await selectNames(client, wanted);
      return names.filter(({ value }) => plainWord.test(value));
    },
    deadline,
  );
}

function embeddedUrl(dataDir: string): string | undefined {
  const { cluster, socketDirectory } = locateEmbedded(dataDir);
  return livingServer(cluster) === undefined ? undefined : urlAt(socketDirectory);
}
