import type { CacheDifference } from '../../cache/difference.ts';
import type { CacheTally } from '../../cache/verify-cache.ts';
import type { Context, Style } from '../../context.ts';
import { configurationError, type ExitCode, exitCodes } from '../../errors.ts';
import { counted } from '../../values/counted.ts';

export interface DoctorCacheOptions {
  /** Puts right what differs. */
  rebuild?: boolean;
  /** How many differences are listed at most; csv and ndjson list all of them. */
  limit?: number;
}

/** The data of `quota doctor --cache`: `{counters, wrong, orphaned, rebuilt, differences: [{key, field, kind, cached, used, rebuilt}]}`. */
export interface CacheDiagnosis extends CacheTally {
  differences: CacheDifference[];
}

const columns = ['key', 'field', 'kind', 'cached', 'used', 'rebuilt'].map((key) => ({ key }));
const listedDefault = 20;

/**
 * `quota doctor --cache`: exit 3 on counters that differ from the facts and were not put right.
 * @throws configurationError without REDIS_URL
 */
export async function doctorCache(
  context: Context,
  { rebuild = false, limit = listedDefault }: DoctorCacheOptions,
): Promise<ExitCode> {
  const url = context.settings.redisUrl;
  if (url === undefined) {
    throw configurationError('there is no cache to verify', {
      suggestion: 'set REDIS_URL to the Redis of the app',
    });
  }
  const { withRedis } = await import('../../cache/redis.ts');
  const { emptyTally, verifyCache } = await import('../../cache/verify-cache.ts');
  const tally = emptyTally();
  await context.withDatabase(({ client }) =>
    withRedis(url, async (redis) => {
      if (rebuild) {
        const { enableCache } = await import('../../cache/cache-store.ts');
        await enableCache(client);
      }
      await report(context, verifyCache(client, redis, { rebuild, tally }), { tally, limit });
    }),
  );
  return tally.wrong + tally.orphaned === tally.rebuilt ? exitCodes.ok : exitCodes.differences;
}

/** Millions of counters may differ: what is not listed is counted. */
async function report(
  { output }: Context,
  found: AsyncIterable<CacheDifference>,
  { tally, limit }: { tally: CacheTally; limit: number },
): Promise<void> {
  if (output.format === 'csv' || output.format === 'ndjson') {
    await output.stream(columns, asRows(found));
    return;
  }
  const differences: CacheDifference[] = [];
  for await (const difference of found) {
    if (differences.length < limit) {
      differences.push(difference);
    }
  }
  await output.write<CacheDiagnosis>({ data: { ...tally, differences }, text: diagnosisText });
}

async function* asRows(found: AsyncIterable<CacheDifference>) {
  for await (const difference of found) {
    yield { ...difference };
  }
}

function diagnosisText(diagnosis: CacheDiagnosis, style: Style): string {
  const { counters, wrong, orphaned, rebuilt, differences } = diagnosis;
  const found = wrong + orphaned;
  if (found === 0) {
    return `${style.green('ok')}  ${counted(counters, 'counter')} in the cache, all as the facts say`;
  }
  const more =
    found > differences.length
      ? [`  and ${found - differences.length} more: --output csv lists them all`]
      : [];
  return [
    `${found} of ${counted(counters, 'counter')} in the cache ${found === 1 ? 'differs' : 'differ'} from the facts`,
    ...differences.map((difference) => `  ${differenceText(difference, style)}`),
    ...more,
    ...(rebuilt < found ? [style.dim('→ quota doctor --cache --rebuild puts them right')] : []),
  ].join('\n');
}

function differenceText({ key, field, kind, cached, used, rebuilt }: CacheDifference, style: Style): string {
  const what =
    kind === 'wrong'
      ? `${cached ?? 'nothing'} in the cache, ${used} by facts`
      : `${cached}, of no running period`;
  const place = field === undefined ? key : `${key} ${field}`;
  return `${rebuilt ? style.green('put right') : style.red(kind)}  ${place}: ${what}`;
}
