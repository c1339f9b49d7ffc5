import type { RedisConnection } from './redis.ts';

const pageSize = 1_000;

/** One key per command, so that each goes to the node of a cluster that has it; sent without waiting in between. */
export const readCounters = (redis: RedisConnection, keys: readonly string[]): Promise<(string | null)[]> =>
  redis.ask((server) => Promise.all(keys.map((key) => server.get(key))));

/** In the same way. */
export async function removeCounters(redis: RedisConnection, keys: readonly string[]): Promise<void> {
  await redis.ask((server) => Promise.all(keys.map((key) => server.unlink(key))));
}

const replaceScript = `if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '' then return redis.call('UNLINK', KEYS[1]) end
redis.call('SET', KEYS[1], ARGV[2])
if ARGV[3] ~= '' then redis.call('EXPIREAT', KEYS[1], ARGV[3]) end
return 1`;

/**
 * Sets a counter while it is as it was seen - the app goes on counting meanwhile -, or takes it out (`used` null).
 * @param expiresAt seconds since 1970; null: never
 * @returns whether it was as it was seen
 */
export async function replaceCounter(
  redis: RedisConnection,
  {
    key,
    seen,
    used,
    expiresAt,
  }: { key: string; seen: string; used: string | null; expiresAt: string | null },
): Promise<boolean> {
  const done = await redis.ask((server) =>
    server.eval(replaceScript, 1, key, seen, used ?? '', expiresAt ?? ''),
  );
  return done === 1;
}

/** The keys that fit a pattern, server by server. One that comes or goes meanwhile may be missing or named twice. */
export async function* scanKeys(redis: RedisConnection, pattern: string): AsyncGenerator<string[]> {
  for (const server of await redis.masters()) {
    let cursor = '0';
    do {
      const [next, keys] = await redis.ask(() => server.scan(cursor, 'MATCH', pattern, 'COUNT', pageSize));
      yield [...new Set(keys)];
      cursor = next;
    } while (cursor !== '0');
  }
}
