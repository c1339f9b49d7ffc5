import type { Context, Shard } from '../../context.ts';
import { noShardsError } from '../../shards/shard.ts';

/** The shards of the settings. @throws configurationError where there are none */
export async function openShards({ settings }: Context): Promise<readonly Shard[]> {
  const { shards } = settings;
  if (shards === undefined) {
    throw noShardsError();
  }
  return shards;
}
