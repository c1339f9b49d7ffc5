import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { selectCounters } from './cache-store.ts';
import { readCounters, replaceCounter, scanCounters } from './counters.ts';
import type { RedisConnection } from './redis.ts';

export interface CacheDifference {
  key: string;
  /** `wrong`: another number than the facts; `orphaned`: no such user, meter or running period. */
  kind: 'wrong' | 'orphaned';
  cached: string;
  used: string | null;
  /** With `rebuild`: whether it was put right. */
  rebuilt: boolean;
}

/** How many counters were looked at, and what was found. */
export interface CacheTally {
  counters: number;
  wrong: number;
  orphaned: number;
  rebuilt: number;
}

export const emptyTally = (): CacheTally => ({ counters: 0, wrong: 0, orphaned: 0, rebuilt: 0 });

/** An app that has logged a call and not counted it yet gets so long to do so. */
const secondLookMs = 300;
/** Counters that wait for their second look together: one pause for all of them. */
const suspectsMax = 10_000;

/**
 * Holds every counter of the cache against the facts and hands over what differs, in bounded memory; with `rebuild`,
 * puts it right before. What was found is in `tally` when it is done. While Redis grows or its slots move, a counter
 * may come twice.
 * @throws unavailableError
 */
export async function* verifyCache(
  client: pg.ClientBase,
  redis: RedisConnection,
  { rebuild, tally }: { rebuild: boolean; tally: CacheTally },
): AsyncGenerator<CacheDifference> {
  let suspects: string[] = [];
  for await (const keys of scanCounters(redis)) {
    tally.counters += keys.length;
    suspects.push(...(await compare(client, redis, keys)).map(({ key }) => key));
    if (suspects.length >= suspectsMax) {
      yield* confirm(client, redis, { suspects, rebuild, tally });
      suspects = [];
    }
  }
  if (suspects.length > 0) {
    yield* confirm(client, redis, { suspects, rebuild, tally });
  }
}

interface Suspects {
  suspects: readonly string[];
  rebuild: boolean;
  tally: CacheTally;
}

async function* confirm(
  client: pg.ClientBase,
  redis: RedisConnection,
  { suspects, rebuild, tally }: Suspects,
): AsyncGenerator<CacheDifference> {
  await sleep(secondLookMs);
  const confirmed = await compare(client, redis, suspects);
  const rebuilt = rebuild
    ? await Promise.all(confirmed.map((found) => replaceCounter(redis, { ...found, seen: found.cached })))
    : [];
  for (const [index, { key, kind, cached, used }] of confirmed.entries()) {
    const difference = { key, kind, cached, used, rebuilt: rebuilt[index] ?? false };
    tally[kind] += 1;
    tally.rebuilt += difference.rebuilt ? 1 : 0;
    yield difference;
  }
}

type Suspect = Omit<CacheDifference, 'rebuilt'> & { expiresAt: string | null };

async function compare(
  client: pg.ClientBase,
  redis: RedisConnection,
  keys: readonly string[],
): Promise<Suspect[]> {
  const values = await readCounters(redis, keys);
  const counters = await selectCounters(client, keys.map(parseKey));
  return counters.flatMap(({ key, used, expiresAt }, index) => {
    const cached = values[index] ?? null;
    if (cached === null || (used !== null && sameNumber(cached, used))) {
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
