import type pg from 'pg';
import type { Context, NamedBy } from '../../context.ts';
import { withClient } from '../../db/client.ts';
import { identify, isOtherServer, isSameDatabase } from '../../db/identity-store.ts';
import { prepareSession } from '../../db/session.ts';
import { ConninfoFault } from '../../db/target/parse-conninfo.ts';
import { adviseOn } from '../../db/target/refusal.ts';
import { resolveDatabase } from '../../db/target/resolve.ts';
import { configurationError, refusedError, usageError } from '../../errors.ts';
import type { Mapping, RemoteDatabase } from '../mapping.ts';

/** Where the tables of an app are: beside ours, or in another database, which is only read. */
export interface AppDatabase {
  client: pg.ClientBase;
  /** Null: in the database of quota. */
  remote: RemoteDatabase | null;
}

/** The tables are beside ours. */
export const beside = (client: pg.ClientBase): AppDatabase => ({ client, remote: null });

/** Where it is looked for: the option, and the settings. */
export interface SourceRequest {
  product: string;
  /** `--source-url` */
  given: string | undefined;
  /** What was attached; undefined: nothing yet, and the settings say where it is. */
  attached?: { remote: RemoteDatabase | null };
}

/** That of a product that is attached. */
export const attachedRequest = (
  { product, mapping }: { product: string; mapping: Pick<Mapping, 'remote'> },
  given: string | undefined,
): SourceRequest => ({ product, given, attached: { remote: mapping.remote ?? null } });

/** `QUOTA_SOURCE_URL` of all products, or of this one. */
const urlOf = ({ settings }: Pick<Context, 'settings'>, product: string): string | undefined =>
  settings.sourceUrls[product] ?? settings.sourceUrls['*'];

/**
 * Opens the database in which the tables of a product are, for the time of `use`. What is read there is read in
 * transactions that cannot write.
 * @throws configurationError where nobody says how it is reached; refusedError for another database than was attached
 */
export async function withAppDatabase<T>(
  context: Pick<Context, 'settings' | 'signal' | 'actor'>,
  ours: pg.ClientBase,
  { product, given, attached }: SourceRequest,
  use: (app: AppDatabase) => Promise<T>,
): Promise<T> {
  const remote = attached?.remote;
  if (remote === null) {
    if (given !== undefined) {
      throw usageError(`the tables of ${product} are in the database of quota: it needs no --source-url`, {
        suggestion: `leave it out, or attach the mapping again with it`,
      });
    }
    return use(beside(ours));
  }
  if (remote === undefined && given === undefined && urlOf(context, product) === undefined) {
    return use(beside(ours));
  }
  return withRemoteDatabase(context, { product, given, remote }, use);
}

/**
 * The same for one that is known not to be ours.
 * @param remote as it was attached; undefined: it is not yet
 * @throws configurationError where nobody says how it is reached; refusedError for another database than was attached
 */
export async function withRemoteDatabase<T>(
  context: Pick<Context, 'settings' | 'signal' | 'actor'>,
  {
    product,
    given,
    remote,
  }: { product: string; given?: string | undefined; remote: RemoteDatabase | undefined },
  use: (app: AppDatabase) => Promise<T>,
): Promise<T> {
  const url = given === undefined ? urlOf(context, product) : readUrl(given);
  if (url === undefined) {
    throw configurationError(
      `the tables of ${product} are in another database, "${remote?.database}", and nobody says how it is reached`,
      { suggestion: 'set QUOTA_SOURCE_URL, or give --source-url' },
    );
  }
  const named: NamedBy =
    given === undefined ? { text: 'QUOTA_SOURCE_URL', by: 'other' } : { text: '--source-url', by: 'flag' };
  return withRemote(context, { url, named }, (app) => {
    requireSame(product, remote, app.remote);
    return use(app);
  });
}

async function withRemote<T>(
  { signal, actor }: Pick<Context, 'signal' | 'actor'>,
  { url, named }: { url: string; named: NamedBy },
  use: (app: AppDatabase & { remote: RemoteDatabase }) => Promise<T>,
): Promise<T> {
  try {
    return await withClient(
      url,
      async (client) => {
        await prepareSession(client, { asOf: null, actor });
        return use({ client, remote: await identify(client) });
      },
      signal,
    );
  } catch (error) {
    throw adviseOn(error, named);
  }
}

function readUrl(text: string): string {
  try {
    return resolveDatabase(text, {});
  } catch (error) {
    if (error instanceof ConninfoFault) {
      throw configurationError(`--source-url ${error.message}`);
    }
    throw error;
  }
}

/** What was counted of one database must not be taken for the rows of another, where a key is somebody else's. */
function requireSame(product: string, attached: RemoteDatabase | undefined, found: RemoteDatabase): void {
  if (attached !== undefined && !isSameDatabase(attached, found)) {
    throw refusedError(
      `${product} was attached in the database "${attached.database}"; this is ${isOtherServer(attached, found) ? 'one of another server' : `"${found.database}"`}`,
      {
        suggestion:
          'where it has moved with all its rows, attach the mapping again, with the new --source-url',
      },
    );
  }
}
