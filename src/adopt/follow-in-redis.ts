import type pg from 'pg';
import { checkCacheTemplates } from '../allowances/files/cache-fields.ts';
import type { PlanProblem } from '../allowances/files/plan-document.ts';
import { deleteProductTemplates, insertTemplate, selectTemplates } from '../cache/template-store.ts';
import type { Mapping } from './mapping.ts';

/** What keeps counters of a mapping from being those of the app's Redis: names that others have. */
export async function checkRedis(
  client: pg.ClientBase,
  { product, redis = [] }: Mapping,
  problems: PlanProblem[],
): Promise<void> {
  if (redis.length === 0) {
    return;
  }
  const others = (await selectTemplates(client)).filter((stored) => stored.product !== product);
  checkCacheTemplates(redis, others, problems);
  const seen = new Set<string>();
  for (const { meter, path } of redis) {
    if (seen.has(meter)) {
      problems.push({ path, message: `${meter} has a key in Redis above: a meter has one` });
    }
    seen.add(meter);
  }
}

/** Lets counters in the app's Redis follow ours, from now on and those of everybody. */
export async function followInRedis(
  client: pg.ClientBase,
  product: string,
  { redis = [] }: Mapping,
): Promise<void> {
  await deleteProductTemplates(client, product);
  for (const { meter, template } of redis) {
    await insertTemplate(client, { meter, product, template });
  }
}
