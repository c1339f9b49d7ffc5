import type pg from 'pg';
import type { Shard } from '../../context.ts';
import { withClient } from '../../db/client.ts';
import { withTransaction } from '../../db/transaction.ts';
import { configurationError, refusedError } from '../../errors.ts';
import { runStatement } from '../run-statement-store.ts';
import type { ShardLogin } from '../server-place.ts';
import { selectAppFunctions, selectAppTypes, selectUsersElsewhere } from './app-function-store.ts';
import { type RouterScript, routerMark, routerScript } from './router-sql.ts';
import { selectRouterState } from './router-store.ts';

/** What would stand in the router, after a look at every shard. */
export interface RouterPlan {
  script: RouterScript;
  functions: string[];
  /** Users who are not where their external id says. */
  placedUsers: number;
}

/**
 * The functions of the first shard, and of all shards who is elsewhere.
 * @throws tryAgainError, unavailableError where a shard is away: its users would be looked for in the wrong place
 */
export async function planRouter(
  shards: readonly Shard[],
  login: ShardLogin,
  signal?: AbortSignal,
): Promise<RouterPlan> {
  const [first] = shards;
  if (first === undefined) {
    throw new RangeError('a file of shards has one at least');
  }
  const core = await withClient(
    first.url,
    async (client) => ({
      functions: await selectAppFunctions(client),
      types: await selectAppTypes(client),
    }),
    signal,
  );
  const elsewhere = (
    await Promise.all(
      shards.map(async ({ url, buckets }, place) => {
        const users = await withClient(url, (client) => selectUsersElsewhere(client, buckets), signal);
        return users.map((externalId) => ({ externalId, place }));
      }),
    )
  ).flat();
  const known = new Set<string>();
  const twice = elsewhere.filter(({ externalId }) => known.size === known.add(externalId).size);
  if (twice.length > 0) {
    throw refusedError('users are in several shards', {
      detail: twice.map(({ externalId }) => externalId).join('\n'),
      suggestion: 'quota shards where tells in which',
    });
  }
  const script = routerScript(shards, core, elsewhere, login);
  return {
    script,
    functions: [...new Set(core.functions.map(({ name }) => name))],
    placedUsers: elsewhere.length,
  };
}

/**
 * Makes the router, or makes it anew: apps that call meanwhile wait, and find the new one.
 * @throws refusedError where the database has data of quota; configurationError without PL/Proxy
 */
export async function initRouter(client: pg.ClientBase, { script }: RouterPlan): Promise<void> {
  const { hasSchema, comment, hasProxy } = await selectRouterState(client);
  if (hasSchema && comment !== routerMark) {
    throw refusedError('this database has a schema quota that is no router', {
      suggestion: 'give the router a database of its own: create database router',
    });
  }
  if (!hasProxy) {
    throw configurationError('the server of the router has no PL/Proxy', {
      suggestion: 'install it there: apt install postgresql-15-plproxy, with the number of the server',
    });
  }
  await withTransaction(client, async () => {
    for (const statement of [...script.statements, script.secret]) {
      await runStatement(client, statement);
    }
  });
}
