import { countOutdated, enableCache, selectOutdated } from '../src/cache/cache-store.ts';
import { configurationError } from '../src/errors.ts';
import { defineJob } from './define-job.ts';

/** `{runId, asOf, due, done, left, durationMs}`, in counters. */
export const syncCache = defineJob({
  name: 'sync-cache',
  summary: "bring outdated counters of the app's Redis cache up to date (REDIS_URL)",
  schedule: '*/5 * * * *',
  isSetUp: ({ redisUrl }) => redisUrl !== undefined,
  unit: 'counters',
  scope: { everybody: 'counters go in the order of their changes' },
  batchSizeDefault: 1_000,
  options: {},
  countDue: (client) => countOutdated(client),
  listDue: async (client, _scope, limit) =>
    (await selectOutdated(client, limit)).map(({ key, appKeys }) => ({
      key: key ?? appKeys[0]?.key ?? '',
    })),
  async withWork(context, _options, use) {
    const url = context.settings.redisUrl;
    if (url === undefined) {
      throw configurationError('there is no cache to bring up to date', {
        suggestion: 'set REDIS_URL to the Redis of the app',
      });
    }
    const { withRedis } = await import('../src/cache/redis.ts');
    const { drainCache } = await import('../src/cache/drain-cache.ts');
    await context.withDatabase(({ client }) => enableCache(client));
    return withRedis(url, (redis) =>
      use({
        runBatch: async (client, { size }) => ({ done: await drainCache(client, redis, size), counts: {} }),
      }),
    );
  },
});
