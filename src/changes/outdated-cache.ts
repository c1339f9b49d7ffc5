import type pg from 'pg';
import { enableCache } from '../cache/cache-store.ts';
import type { Context } from '../context.ts';

const batchSize = 1_000;

/**
 * Makes a change, then takes what it outdated out of the app's counter cache, where REDIS_URL names one. The change
 * stands when the cache cannot be reached: what is left is listed in the database, and `jobs sync-cache` goes on.
 * @param isOutdating false: no counter depends on the change
 */
export async function withOutdatedCache<T>(
  context: Context,
  client: pg.ClientBase,
  isOutdating: boolean,
  change: () => Promise<T>,
): Promise<T> {
  if (!isOutdating) {
    return change();
  }
  await prepareCache(context, client);
  const result = await change();
  await refreshCache(context, client);
  return result;
}

/** Has changes written down from here on, where an app keeps a cache. */
export async function prepareCache({ settings }: Context, client: pg.ClientBase): Promise<void> {
  if (settings.redisUrl !== undefined) {
    await enableCache(client);
  }
}

/** Outside any transaction: after the change is committed. */
export async function refreshCache({ settings, talk }: Context, client: pg.ClientBase): Promise<void> {
  if (settings.redisUrl === undefined) {
    return;
  }
  try {
    const { withRedis } = await import('../cache/redis.ts');
    const { drainCache } = await import('../cache/drain-cache.ts');
    await withRedis(settings.redisUrl, async (redis) => {
      while ((await drainCache(client, redis, batchSize)) === batchSize) {}
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    talk.warn(`the counter cache is not up to date (${reason}): run quota jobs sync-cache`);
  }
}
