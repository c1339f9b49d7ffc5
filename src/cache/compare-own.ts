import type pg from 'pg';
import { selectCounters } from './cache-store.ts';
import { readCounters, replaceCounter } from './counters.ts';
import { type Compare, sameNumber } from './difference.ts';
import type { RedisConnection } from './redis.ts';

export const ownPattern = 'quota:usage:*';

/** Counters under quota's own names. */
export const compareOwn =
  (client: pg.ClientBase, redis: RedisConnection): Compare =>
  async (keys) => {
    const values = await readCounters(redis, keys);
    const counters = await selectCounters(client, keys.map(parseKey));
    const suspects = counters.flatMap(({ key, used, expiresAt }, index) => {
      const cached = values[index] ?? null;
      if (cached === null || (used !== null && sameNumber(cached, used))) {
        return []; // Gone meanwhile, or right.
      }
      const kind = used === null ? ('orphaned' as const) : ('wrong' as const);
      return [
        {
          key,
          differences: [{ key, kind, cached, used }],
          replace: () => replaceCounter(redis, { key, seen: cached, used, expiresAt }),
        },
      ];
    });
    return { counters: keys.length, suspects };
  };

/** From the right: an external id may hold colons. A key that is none of ours names no user. */
function parseKey(key: string): { key: string; user: string; meter: string; start: string | null } {
  const [, user = '', meter = '', start = ''] =
    /^quota:usage:(.+):([^:]+):(-?\d{1,12}|lifetime)$/s.exec(key) ?? [];
  return { key, user, meter, start: start === 'lifetime' || start === '' ? null : start };
}
