import type pg from 'pg';
import { withTransaction, withTrial } from '../db/transaction.ts';
import { type CheckedMapping, checkMapping } from './check-mapping.ts';
import {
  type AdoptedProduct,
  type AdoptedSource,
  lockProducts,
  selectProducts,
  waitBriefly,
} from './product-store.ts';
import type { PlacedSource } from './row-expression.ts';
import { installSource, isInstalled } from './source-installation-store.ts';

export interface OutdatedSource {
  id: number;
  placed: PlacedSource;
}

/** Sources that another version has installed, or before there were some of the partitions of their table. */
export async function selectOutdated(
  client: pg.ClientBase,
  stored: readonly Pick<AdoptedSource, 'id' | 'name'>[],
  { sources }: Pick<CheckedMapping, 'sources'>,
  timezone: string,
): Promise<OutdatedSource[]> {
  const outdated: OutdatedSource[] = [];
  for (const placed of sources) {
    const id = stored.find(({ name }) => name === placed.source.name)?.id;
    if (id !== undefined && !(await isInstalled(client, id, placed, timezone))) {
      outdated.push({ id, placed });
    }
  }
  return outdated;
}

/**
 * Makes what was installed for a product, whose tables are beside ours, as this version makes it: what was counted stays, and what is under way goes on.
 * @returns false: it is so already, or its mapping does not fit its tables any more, which `quota adopt check` tells
 */
export async function renewProduct(
  client: pg.ClientBase,
  { product, mapping, sources }: AdoptedProduct,
): Promise<boolean> {
  const checked = await withTrial(client, () => checkMapping(client, mapping));
  const outdated =
    checked.problems.length > 0 ? [] : await selectOutdated(client, sources, checked, mapping.timezone);
  if (outdated.length === 0) {
    return false;
  }
  await withTransaction(client, async () => {
    await waitBriefly(client);
    await lockProducts(client);
    const [now] = await selectProducts(client, product);
    for (const { id, placed } of now?.detachedAt === null ? outdated : []) {
      await installSource(client, id, placed, mapping.timezone);
    }
  });
  return true;
}

/** The same for all whose tables are beside ours. @returns their names */
export async function renewProducts(
  client: pg.ClientBase,
  onError: (product: string, error: unknown) => void,
): Promise<string[]> {
  const renewed: string[] = [];
  for (const product of await selectProducts(client)) {
    if (product.detachedAt !== null || product.mapping.remote !== undefined) {
      continue;
    }
    try {
      if (await renewProduct(client, product)) {
        renewed.push(product.product);
      }
    } catch (error) {
      onError(product.product, error);
    }
  }
  return renewed;
}
