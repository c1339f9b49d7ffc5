import type pg from 'pg';
import { deleteOutdated, selectOutdated } from './cache-store.ts';
import { removeCounters } from './counters.ts';
import { followCounters } from './follow-counters.ts';
import type { RedisConnection } from './redis.ts';

/**
 * Takes outdated counters out of the cache, brings those under the app's own names up to date, then takes them off the
 * list: a crash between the two only repeats it.
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
    await removeCounters(redis, [...new Set(outdated.flatMap(({ key }) => key ?? []))]);
    await followCounters(
      client,
      redis,
      outdated.flatMap(({ user, appKeys }) => appKeys.map((one) => ({ user, ...one }))),
    );
    await deleteOutdated(
      client,
      outdated.map(({ id }) => id),
    );
  }
  return outdated.length;
}
