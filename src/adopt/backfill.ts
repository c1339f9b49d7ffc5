import type pg from 'pg';
import { CallGrowth } from '../db/call-growth-store.ts';
import { refreshStatistics } from '../db/statistics-store.ts';
import { withTransaction, withTrial } from '../db/transaction.ts';
import { backfillBatch, forgetLost, hastenDead, layOutSource, retryDead } from './backfill-store.ts';
import { type CarriedCounts, carryState } from './carry-state.ts';
import { checkMapping } from './check-mapping.ts';
import { Patience, type PatienceOptions } from './patience.ts';
import type { AdoptedProduct } from './product-store.ts';
import type { AppDatabase } from './remote/app-database.ts';
import { catchUp } from './remote/follow.ts';
import { stagePiece } from './remote/stage.ts';
import { endStaging } from './remote/told-store.ts';
import { renewProduct } from './renew.ts';
import { takeOpenings } from './take-openings.ts';
import { selectWriters } from './writers-store.ts';

export interface BackfillResult {
  sources: { source: string; rows: number }[];
  /** Rows that waited, and are done with. */
  retried: number;
  /** Opening balances: of what the app had counted and no row tells. */
  openings: number;
  /** What the app has decided by itself. */
  carried: CarriedCounts;
}

/** How long the users of a batch should be held: the app's own writes wait a quarter of a second for them at the most. */
const batchMsMax = 150;
const batchFirst = 1_000;
const batchMin = 100;

/** As many rows as take so long, and not many more than before. */
const fittingSize = (size: number, tookMs: number): number =>
  Math.max(batchMin, Math.round(size * Math.min(2, batchMsMax / Math.max(tookMs, 1))));

/**
 * They grow under plans that were made when they were small. New statistics make every session of an app plan all of its
 * statements anew: those of tables that apps ask are left out where they have not grown much.
 */
const links = ['quota.adopt_links'];
const tables = ['quota.users', 'quota.subscriptions', 'quota.call_logs', 'quota.usage_quotas', ...links];

const retrySize = 200;
/** Of another database at once. */
const pageRows = 2_000;

/**
 * Takes over all rows of a product that were there before it was attached, users first, a transaction per batch.
 * Interrupted or killed, the next one goes on where it was.
 * @throws tryAgainError at a signal, between two batches
 */
export async function backfillProduct(
  client: pg.ClientBase,
  app: AppDatabase,
  adopted: AdoptedProduct,
  options: {
    batchSize: number;
    /** How long a transaction of the app is waited for. */
    waitSeconds: number;
    signal: AbortSignal;
    onRows: (rows: number) => void;
    onWait: (message: string) => void;
  },
): Promise<BackfillResult> {
  const { product, sources, mapping, authority } = adopted;
  const done: BackfillResult = { sources: [], retried: 0, openings: 0, carried: {} };
  let total = 0;
  let refreshed = batchFirst;
  // Of tables that were large before there are none to take until they have doubled, too.
  const growth = await CallGrowth.begin(client, batchFirst);
  const patience = patienceOf(client, product, options);
  const patiently = <T>(use: () => Promise<T>) => patience.with(use);
  const forgetAll = async (id: number) => {
    while ((await patiently(() => forgetLost(client, id, options.batchSize))) > 0) {
      options.onRows(total);
    }
  };
  await patiently(() => renewProduct(client, adopted, app));
  for (const { id, name, backfilledAt, isRemote } of sources) {
    let rows = 0;
    for (let isCopied = !isRemote || backfilledAt !== null; !isCopied; ) {
      patience.goOn();
      isCopied = (await patiently(() => stagePiece(client, app, id))).isDone;
    }
    let size = Math.min(batchFirst, options.batchSize);
    if (backfilledAt === null) {
      await patiently(() => layOutSource(client, id));
    }
    for (let isDone = backfilledAt !== null; !isDone; ) {
      patience.goOn();
      const beganMs = performance.now();
      const batch = await patience.with(
        () => backfillBatch(client, id, size),
        // Fewer are held while it is tried again.
        () => {
          size = Math.min(size, Math.max(batchMin, Math.round(size / 2)));
        },
      );
      size = Math.min(fittingSize(size, performance.now() - beganMs), options.batchSize);
      rows += batch.rows;
      total += batch.rows;
      isDone = batch.isDone;
      if (total >= 2 * refreshed || isDone) {
        refreshed = Math.max(refreshed, total);
        await refreshStatistics(client, growth.hasDoubled(total) ? tables : links, 'roughly');
      }
      options.onRows(total);
    }
    if (isRemote) {
      await forgetAll(id);
      await patiently(() => endStaging(client, id));
    }
    done.sources.push({ source: name, rows });
  }
  if (app.remote === null) {
    await patience.awaitWriters();
    for (const { id } of sources) {
      await forgetAll(id);
    }
  }
  if (total > 0) {
    await refreshStatistics(client, tables);
  }
  // What another database has had since its rows were copied.
  const catchUpNow = async () => {
    const remote = sources.filter(({ isRemote }) => isRemote).map(({ id }) => id);
    await patiently(() => catchUp(client, app, remote, { pageRows, signal: options.signal }));
  };
  await catchUpNow();
  // What the app wrote to at the same moment.
  await patiently(() => hastenDead(client, product));
  for (let { tried, taken } = await patiently(() => retryDead(client, retrySize, product)); tried > 0; ) {
    done.retried += taken;
    ({ tried, taken } = await patiently(() => retryDead(client, retrySize, product)));
  }
  // Once quota decides, the app's counters follow ours.
  if (authority === 'app') {
    const { figures, carried } = await withTrial(client, () => checkMapping(client, mapping, app));
    done.carried = await patiently(() =>
      withTransaction(client, () => carryState(client, app, carried, ['limits'])),
    );
    for (const figure of figures.filter(({ isOpening }) => isOpening)) {
      done.openings += await patiently(() =>
        takeOpenings(client, app, { product, figure, catchUp: catchUpNow }),
      );
    }
    const read = await patiently(() =>
      withTransaction(client, () => carryState(client, app, carried, ['alerts'])),
    );
    done.carried = { ...done.carried, ...read };
  }
  return done;
}

function patienceOf(
  client: pg.ClientBase,
  product: string,
  options: Pick<PatienceOptions, 'waitSeconds' | 'signal' | 'onWait'>,
): Patience {
  const goesOn = `quota adopt backfill ${product} goes on where it was`;
  return new Patience(client, {
    ...options,
    product,
    what: `the backfill of ${product}`,
    suggestions: { interrupted: goesOn, tooLong: `end it, or wait longer (--wait 1h); ${goesOn}` },
    writers: () => selectWriters(client, product),
  });
}
