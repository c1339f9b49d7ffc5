import type pg from 'pg';
import { deleteOutdated, selectOutdated } from './cache-store.ts';
import type { Redis } from './redis.ts';

/**
 * Takes outdated counters out of the cache, then off the list: a crash between the two only repeats it.
 * @returns how many entries of the list were done; 0: none was left
 */
export async function drainCache(client: pg.ClientBase, redis: Redis, limit: number): Promise<number> {
  const outdated = await selectOutdated(client, limit);
  if (outdated.length > 0) {
    // One key per command, so that a cluster's proxy can route each; sent without waiting in between.
    const keys = [...new Set(outdated.map(({ key }) => key))];
    await Promise.all(keys.map((key) => redis.call('UNLINK', key)));
    await deleteOutdated(
      client,
      outdated.map(({ id }) => id),
    );
  }
  return outdated.length;
}
