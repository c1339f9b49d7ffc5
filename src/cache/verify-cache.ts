import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { groupTemplates } from './app-counters.ts';
import { compareApp } from './compare-app.ts';
import { compareOwn, ownPattern } from './compare-own.ts';
import { scanKeys } from './counters.ts';
import type { CacheDifference, Compare } from './difference.ts';
import type { RedisConnection } from './redis.ts';
import { selectTemplates } from './template-store.ts';

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
  const groups = groupTemplates(await selectTemplates(client));
  const kinds: [pattern: string, compare: Compare][] = [
    [ownPattern, compareOwn(client, redis)],
    ...groups.map((group): [string, Compare] => [group.key.glob, compareApp(client, redis, group, groups)]),
  ];
  for (const [pattern, compare] of kinds) {
    let suspects: string[] = [];
    for await (const keys of scanKeys(redis, pattern)) {
      const found = await compare(keys);
      tally.counters += found.counters;
      suspects.push(...found.suspects.map(({ key }) => key));
      if (suspects.length >= suspectsMax) {
        yield* confirm(compare, suspects, { rebuild, tally });
        suspects = [];
      }
    }
    if (suspects.length > 0) {
      yield* confirm(compare, suspects, { rebuild, tally });
    }
  }
}

async function* confirm(
  compare: Compare,
  keys: readonly string[],
  { rebuild, tally }: { rebuild: boolean; tally: CacheTally },
): AsyncGenerator<CacheDifference> {
  await sleep(secondLookMs);
  const { suspects } = await compare(keys);
  const rebuilt = rebuild ? await Promise.all(suspects.map((suspect) => suspect.replace())) : [];
  for (const [index, { differences }] of suspects.entries()) {
    for (const found of differences) {
      const difference = { ...found, rebuilt: rebuilt[index] ?? false };
      tally[found.kind] += 1;
      tally.rebuilt += difference.rebuilt ? 1 : 0;
      yield difference;
    }
  }
}
