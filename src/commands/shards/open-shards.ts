import type { Context, Shard } from '../../context.ts';
import { configurationError } from '../../errors.ts';

/** The shards of the settings. @throws configurationError where there are none */
export async function openShards({ settings }: Context): Promise<readonly Shard[]> {
  const { shards } = settings;
  if (shards === undefined) {
    throw configurationError('there are no shards here', {
      suggestion: 'QUOTA_SHARDS names the file that lists them: docs/scale.md',
    });
  }
  return shards;
}
