import type pg from 'pg';
import { withTransaction, withTrial } from '../db/transaction.ts';
import { checkMapping } from './check-mapping.ts';
import {
  type AdoptedProduct,
  type AdoptedSource,
  lockProducts,
  selectProducts,
  waitBriefly,
} from './product-store.ts';
import { type AppDatabase, beside } from './remote/app-database.ts';
import { isToldInstalled, renewTold, type ToldSource } from './remote/told-store.ts';
import type { PlacedSource } from './row-expression.ts';
import { installSource, isInstalled } from './source-installation-store.ts';

/** A source that another version has installed, and how this one does it. */
export interface OutdatedSource {
  id: number;
  install: (client: pg.ClientBase) => Promise<void>;
}

/** Sources that another version has installed, or before there were some of the partitions of their table. */
export async function selectOutdated(
  client: pg.ClientBase,
  stored: readonly Pick<AdoptedSource, 'id' | 'name'>[],
  sources: readonly (PlacedSource | ToldSource)[],
  timezone: string,
): Promise<OutdatedSource[]> {
  const outdated: OutdatedSource[] = [];
  for (const placed of sources) {
    const id = stored.find(({ name }) => name === placed.source.name)?.id;
    if (id === undefined) {
      continue;
    }
    const isBeside = 'table' in placed && placed.reading === undefined;
    if (isBeside && !(await isInstalled(client, id, placed, timezone))) {
      outdated.push({ id, install: (client) => installSource(client, id, placed, timezone) });
    }
    if (!isBeside && !(await isToldInstalled(client, id, placed))) {
      outdated.push({ id, install: (client) => renewTold(client, id, placed) });
    }
  }
  return outdated;
}

/**
 * Makes what was installed for a product as this version makes it: what was counted stays, and what is under way goes on. Of
 * one whose tables are in another database, how they are read is made anew only where that is at hand.
 * @returns false: it is so already, or its mapping does not fit its tables any more, which `quota adopt check` tells
 */
export async function renewProduct(
  client: pg.ClientBase,
  { product, mapping, sources }: AdoptedProduct,
  app: AppDatabase | null,
): Promise<boolean> {
  const checked = app && (await withTrial(client, () => checkMapping(client, mapping, app)));
  const isFit = checked === null || checked.problems.length === 0;
  const placed = checked?.sources ?? mapping.sources.map((source) => ({ source }));
  const outdated = isFit ? await selectOutdated(client, sources, placed, mapping.timezone) : [];
  if (outdated.length === 0) {
    return false;
  }
  await withTransaction(client, async () => {
    await waitBriefly(client);
    await lockProducts(client);
    const [now] = await selectProducts(client, product);
    for (const { install } of now?.detachedAt === null ? outdated : []) {
      await install(client);
    }
  });
  return true;
}

/** The same for all, without a look at other databases. @returns their names */
export async function renewProducts(
  client: pg.ClientBase,
  onError: (product: string, error: unknown) => void,
): Promise<string[]> {
  const renewed: string[] = [];
  for (const product of await selectProducts(client)) {
    if (product.detachedAt !== null) {
      continue;
    }
    try {
      if (await renewProduct(client, product, product.mapping.remote === undefined ? beside(client) : null)) {
        renewed.push(product.product);
      }
    } catch (error) {
      onError(product.product, error);
    }
  }
  return renewed;
}
