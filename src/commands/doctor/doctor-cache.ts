import type { CacheDifference, CacheVerification } from '../../cache/verify-cache.ts';
import type { Context, Style } from '../../context.ts';
import { configurationError, type ExitCode, exitCodes } from '../../errors.ts';

export interface DoctorCacheOptions {
  /** Puts right what differs. */
  rebuild?: boolean;
}

/**
 * `quota doctor --cache`: the data is a `CacheVerification`; exit 3 on counters that differ from the facts and were not
 * put right.
 * @throws configurationError without REDIS_URL
 */
export async function doctorCache(
  context: Context,
  { rebuild = false }: DoctorCacheOptions,
): Promise<ExitCode> {
  const url = context.settings.redisUrl;
  if (url === undefined) {
    throw configurationError('there is no cache to verify', {
      suggestion: 'set REDIS_URL to the Redis of the app',
    });
  }
  const { withRedis } = await import('../../cache/redis.ts');
  const { verifyCache } = await import('../../cache/verify-cache.ts');
  const data = await context.withDatabase(({ client }) =>
    withRedis(url, async (redis) => {
      if (rebuild) {
        const { enableCache } = await import('../../cache/cache-store.ts');
        await enableCache(client);
      }
      return verifyCache(client, redis, { rebuild });
    }),
  );
  await context.output.write<CacheVerification>({
    data,
    rows: data.differences.map((difference) => ({ ...difference })),
    columns: ['key', 'kind', 'cached', 'used', 'rebuilt'].map((key) => ({ key })),
    text: verificationText,
  });
  return data.differences.every(({ rebuilt }) => rebuilt) ? exitCodes.ok : exitCodes.differences;
}

function verificationText({ counters, differences }: CacheVerification, style: Style): string {
  if (differences.length === 0) {
    return `${style.green('ok')}  ${counters} counters in the cache, all as the facts say`;
  }
  return [
    `${differences.length} of ${counters} counters in the cache differ from the facts`,
    ...differences.map((difference) => `  ${differenceText(difference, style)}`),
    ...(differences.some(({ rebuilt }) => !rebuilt)
      ? [style.dim('→ quota doctor --cache --rebuild puts them right')]
      : []),
  ].join('\n');
}

function differenceText({ key, kind, cached, used, rebuilt }: CacheDifference, style: Style): string {
  const what =
    kind === 'wrong' ? `${cached} in the cache, ${used} by facts` : `${cached}, of no running period`;
  return `${rebuilt ? style.green('put right') : style.red(kind)}  ${key}: ${what}`;
}
