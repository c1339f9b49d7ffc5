import { createHash } from 'node:crypto';
import type { Context, NamedBy, Shard } from '../context.ts';
import { configurationError, usageError } from '../errors.ts';

/** What is said where shards are asked for, and no file lists any. */
export const noShardsError = () =>
  configurationError('there are no shards here', {
    suggestion: 'QUOTA_SHARDS names the file that lists them: docs/scale.md',
  });

/** The shards of the settings. @throws configurationError where there are none */
export function requireShards({ settings: { shards } }: Pick<Context, 'settings'>): readonly Shard[] {
  if (shards === undefined) {
    throw noShardsError();
  }
  return shards;
}

/** For advice about a shard that cannot be reached. */
export const namedByShard = ({ name }: Pick<Shard, 'name'>): NamedBy => ({
  text: `the URL of the shard ${name}`,
  by: 'other',
});

/** @throws usageError where there is no such shard */
export function shardNamed(shards: readonly Shard[], name: string): Shard {
  const found = shards.find((shard) => shard.name === name);
  if (found === undefined) {
    throw usageError(`there is no shard "${name}"`, {
      detail: `there are ${shards.map((shard) => shard.name).join(', ')}`,
    });
  }
  return found;
}

/** How many parts new users are divided into, by their external ids. */
export const bucketCount = 1024;

/** As many shards can have ids of their own. */
export const shardsMax = 64;

/**
 * 0 to 1023, from the first two bytes of the SHA-256 of the external id in UTF-8: whoever routes elsewhere can compute
 * the same, in any language.
 */
export const bucketOf = (externalId: string): number =>
  createHash('sha256').update(externalId, 'utf8').digest().readUInt16BE(0) % bucketCount;

/** The same in SQL, of such a digest. */
export const bucketInSql = (digest: string): string =>
  `(get_byte(${digest}, 0) * 256 + get_byte(${digest}, 1)) % ${bucketCount}`;

/** Where a user is made who is nowhere yet. The buckets of a file leave none out. */
export function shardOfBucket<T extends Pick<Shard, 'buckets'>>(shards: readonly T[], externalId: string): T {
  const bucket = bucketOf(externalId);
  const found = shards.find(({ buckets }) => buckets.from <= bucket && bucket <= buckets.to);
  if (found === undefined) {
    throw new RangeError(`no shard has bucket ${bucket}`);
  }
  return found;
}
