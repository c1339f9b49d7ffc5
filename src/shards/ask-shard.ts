import type pg from 'pg';
import type { Shard } from '../context.ts';
import { withClient } from '../db/client.ts';
import { expectedError } from '../db/expected-error.ts';
import { adviseOn } from '../db/target/refusal.ts';
import type { QuotaError } from '../errors.ts';
import { namedByShard } from './shard.ts';

/** What a shard answers, or why it does not: one that is away keeps nobody else from theirs. */
export async function askShard<T>(
  shard: Shard,
  use: (client: pg.Client) => Promise<T>,
  signal?: AbortSignal,
): Promise<T | QuotaError> {
  try {
    return await withClient(shard.url, use, signal);
  } catch (error) {
    const known = expectedError(adviseOn(error, namedByShard(shard)));
    if (known === undefined) {
      throw error;
    }
    return known;
  }
}
