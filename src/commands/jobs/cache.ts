import { syncCache } from '../../../jobs/sync-cache.ts';
import { enableCache } from '../../cache/cache-store.ts';
import { drainCache } from '../../cache/drain-cache.ts';
import { withRedis } from '../../cache/redis.ts';
import type { Context } from '../../context.ts';
import { configurationError, type ExitCode, usageError } from '../../errors.ts';
import { dryRunJob, type JobOptions, runJobCommand } from './run-job-command.ts';

/** `quota jobs sync-cache`: `{runId, asOf, due, done, left, durationMs}`, in counters. */
export async function jobsSyncCache(context: Context, options: JobOptions): Promise<ExitCode> {
  if (options.user !== undefined) {
    throw usageError('--user does not go with this job', {
      detail: 'counters go in the order of their changes',
    });
  }
  if (options.dryRun === true) {
    return dryRunJob(context, syncCache, options);
  }
  const url = context.settings.redisUrl;
  if (url === undefined) {
    throw configurationError('there is no cache to bring up to date', {
      suggestion: 'set REDIS_URL to the Redis of the app',
    });
  }
  await context.withDatabase(({ client }) => enableCache(client));
  return withRedis(url, (redis) =>
    runJobCommand(
      context,
      {
        ...syncCache,
        runBatch: async (client, { size }) => ({ done: await drainCache(client, redis, size), counts: {} }),
      },
      options,
    ),
  );
}
