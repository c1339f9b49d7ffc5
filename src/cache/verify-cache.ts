import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { selectCounters } from './cache-store.ts';
import type { Redis } from './redis.ts';
import type { RedisValue } from './resp.ts';

export interface CacheDifference {
  key: string;
  /** `wrong`: another number than the facts; `orphaned`: no such user, meter or running period. */
  kind: 'wrong' | 'orphaned';
  cached: string;
  used: string | null;
  /** With `--rebuild`: whether it was put right. */
  rebuilt: boolean;
}

export interface CacheVerification {
  counters: number;
  differences: CacheDifference[];
}

const pattern = 'quota:usage:*';
const pageSize = '1000';
/** An app that has logged a call and not counted it yet gets so long to do so. */
const secondLookMs = 300;
/** Sets the counter only while it is as it was seen: the app goes on counting meanwhile. */
const replace = `if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '' then return redis.call('UNLINK', KEYS[1]) end
redis.call('SET', KEYS[1], ARGV[2])
if ARGV[3] ~= '' then redis.call('EXPIREAT', KEYS[1], ARGV[3]) end
return 1`;

/** Holds every counter of the cache against the facts; with `rebuild`, puts right what differs. */
export async function verifyCache(
  client: pg.ClientBase,
  redis: Redis,
  { rebuild }: { rebuild: boolean },
): Promise<CacheVerification> {
  const differences: CacheDifference[] = [];
  const seen = new Set<string>();
  let cursor = '0';
  do {
    const [next, page] = asPage(await redis.call('SCAN', cursor, 'MATCH', pattern, 'COUNT', pageSize));
    const keys = page.filter((key) => !seen.has(key)); // A scan may name a key twice.
    for (const key of keys) {
      seen.add(key);
    }
    const suspects = await compare(client, redis, keys);
    if (suspects.length > 0) {
      await sleep(secondLookMs);
      const confirmed = await compare(
        client,
        redis,
        suspects.map(({ key }) => key),
      );
      for (const { expiresAt, ...difference } of confirmed) {
        const rebuilt = rebuild && (await putRight(redis, { ...difference, expiresAt }));
        differences.push({ ...difference, rebuilt });
      }
    }
    cursor = next;
  } while (cursor !== '0');
  return { counters: seen.size, differences };
}

type Suspect = Omit<CacheDifference, 'rebuilt'> & { expiresAt: string | null };

async function putRight(redis: Redis, { key, cached, used, expiresAt }: Suspect): Promise<boolean> {
  return (await redis.call('EVAL', replace, '1', key, cached, used ?? '', expiresAt ?? '')) === 1;
}

async function compare(client: pg.ClientBase, redis: Redis, keys: readonly string[]): Promise<Suspect[]> {
  const values = await Promise.all(keys.map((key) => redis.call('GET', key)));
  const counters = await selectCounters(client, keys.map(parseKey));
  return counters.flatMap(({ key, used, expiresAt }, index) => {
    const cached = values[index];
    if (typeof cached !== 'string' || (used !== null && sameNumber(cached, used))) {
      return []; // Gone meanwhile, or right.
    }
    return [
      { key, kind: used === null ? ('orphaned' as const) : ('wrong' as const), cached, used, expiresAt },
    ];
  });
}

/** From the right: an external id may hold colons. A key that is none of ours names no user. */
function parseKey(key: string): { key: string; user: string; meter: string; start: string | null } {
  const [, user = '', meter = '', start = ''] =
    /^quota:usage:(.+):([^:]+):(-?\d{1,12}|lifetime)$/s.exec(key) ?? [];
  return { key, user, meter, start: start === 'lifetime' || start === '' ? null : start };
}

/** Counters are decimals of at most three places: `12`, `12.0` and `12.000` are the same. */
const sameNumber = (left: string, right: string) =>
  /^-?\d+(\.\d+)?$/.test(left) && plain(left) === plain(right);

const plain = (number: string) => (number.includes('.') ? number.replace(/\.?0+$/, '') : number);

function asPage(answer: RedisValue): [string, string[]] {
  if (!Array.isArray(answer) || typeof answer[0] !== 'string' || !Array.isArray(answer[1])) {
    throw new Error('SCAN answered in another form than Redis does');
  }
  return [answer[0], answer[1].map(String)];
}
