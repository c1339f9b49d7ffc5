import type pg from 'pg';
import { deleteOutdated, selectOutdated } from './cache-store.ts';
import { removeCounters } from './counters.ts';
import type { RedisConnection } from './redis.ts';

/**
 * Takes outdated counters out of the cache, then off the list: a crash between the two only repeats it.
 * @returns how many entries of the list were done; 0: none was left
 * @throws unavailableError
 */
export async function drainCache(
  client: pg.ClientBase,
  redis: RedisConnection,
  limit: number,
): Promise<number> {
  const outdated = await selectOutdated(client, limit);
  if (outdated.length > 0) {
    await removeCounters(redis, [...new Set(outdated.map(({ key }) => key))]);
    await deleteOutdated(
      client,
      outdated.map(({ id }) => id),
    );
  }
  return outdated.length;
}
