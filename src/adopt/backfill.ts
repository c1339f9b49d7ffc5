import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { hasSqlstate } from '../db/database-error.ts';
import { sqlstates } from '../db/sqlstate.ts';
import { withTransaction, withTrial } from '../db/transaction.ts';
import { tryAgainError } from '../errors.ts';
import { backfillBatch, forgetLost, hastenDead, retryDead } from './backfill-store.ts';
import { checkMapping } from './check-mapping.ts';
import { takeOpenings } from './opening-store.ts';
import type { AdoptedProduct } from './product-store.ts';

export interface BackfillResult {
  sources: { source: string; rows: number }[];
  /** Rows that waited, and are done with. */
  retried: number;
  /** Opening balances: of what the app had counted and no row tells. */
  openings: number;
}

/** A batch that meets the app at work is tried so often. */
const attemptsMax = 5;
const pauseMs = 100;
const retrySize = 200;

/**
 * Takes over all rows of a product that were there before it was attached, users first, a transaction per batch.
 * Interrupted or killed, the next one goes on where it was.
 * @throws tryAgainError at a signal, between two batches
 */
export async function backfillProduct(
  client: pg.ClientBase,
  { product, sources, mapping, authority }: AdoptedProduct,
  options: { batchSize: number; signal: AbortSignal; onRows: (rows: number) => void },
): Promise<BackfillResult> {
  const done: BackfillResult = { sources: [], retried: 0, openings: 0 };
  let total = 0;
  for (const { id, name, backfilledAt } of sources) {
    let rows = 0;
    for (let isDone = backfilledAt !== null; !isDone; ) {
      if (options.signal.aborted) {
        throw tryAgainError(`the backfill of ${product} was interrupted`, {
          suggestion: `quota adopt backfill ${product} goes on where it was`,
        });
      }
      const batch = await patiently(() => backfillBatch(client, id, options.batchSize));
      rows += batch.rows;
      total += batch.rows;
      isDone = batch.isDone;
      options.onRows(total);
    }
    while ((await patiently(() => forgetLost(client, id, options.batchSize))) > 0) {
      options.onRows(total);
    }
    done.sources.push({ source: name, rows });
  }
  // What the app wrote to at the same moment.
  await hastenDead(client, product);
  for (let { tried, taken } = await patiently(() => retryDead(client, retrySize, product)); tried > 0; ) {
    done.retried += taken;
    ({ tried, taken } = await patiently(() => retryDead(client, retrySize, product)));
  }
  // Once quota decides, the app's counters follow ours.
  if (authority === 'app') {
    const { figures } = await withTrial(client, () => checkMapping(client, mapping));
    for (const figure of figures.filter(({ isOpening }) => isOpening)) {
      done.openings += await patiently(() => withTransaction(client, () => takeOpenings(client, figure)));
    }
  }
  return done;
}

async function patiently<T>(use: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await use();
    } catch (error) {
      const isBusy = [sqlstates.lock_not_available, sqlstates.deadlock_detected].some((code) =>
        hasSqlstate(error, code),
      );
      if (!isBusy || attempt === attemptsMax) {
        throw error;
      }
      await sleep(pauseMs * attempt);
    }
  }
}
