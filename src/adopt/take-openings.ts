import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { withTransaction } from '../db/transaction.ts';
import { countUntried, hastenDead, retryDead } from './backfill-store.ts';
import type { PlacedFigure } from './check-mapping.ts';
import { insertOpenings, type OpeningRow, selectOpenings } from './opening-store.ts';
import type { AppDatabase } from './remote/app-database.ts';

/** An app that logs and counts in two transactions is between them for less than this. */
const settleMs = 300;
/** Where nobody ever stops writing, it is between them at some of the looks, and not at so many in a row. */
const looksSame = 5;
const roundsMax = 30;
const retrySize = 200;

/**
 * Takes over what a counter of the app has beyond its rows. Who is being written to differs for a moment without having
 * anything beyond: a difference counts once the counter stands still, or once it is the same at several looks while the
 * counter moves. What is neither is left to the next backfill, which also corrects what was taken wrongly; `adopt verify`
 * shows both.
 */
export async function takeOpenings(
  client: pg.ClientBase,
  app: AppDatabase,
  {
    product,
    figure,
    catchUp,
  }: {
    product: string;
    figure: PlacedFigure;
    /** Takes over what another database has had since: its counters are read behind its rows. */
    catchUp: () => Promise<void>;
  },
): Promise<number> {
  let taken = 0;
  let looked = lookAgain(new Map(), await selectOpenings(client, app, figure));
  for (let round = 0; round < roundsMax && (round === 0 || differs(looked)); round += 1) {
    if (differs(looked)) {
      await sleep(settleMs);
    }
    await catchUp();
    const rows = await selectOpenings(client, app, figure);
    // What has met another session is counted in a moment: the counter may have it already.
    if ((await countUntried(client, product)) > 0) {
      await hastenDead(client, product);
      await retryDead(client, retrySize, product);
      looked = lookAgain(new Map(), await selectOpenings(client, app, figure));
      continue;
    }
    looked = lookAgain(looked, rows);
    const settled = [...looked.values()].filter(({ stands, looks }) => stands || looks >= looksSame);
    if (settled.length > 0) {
      taken += await withTransaction(client, () =>
        insertOpenings(
          client,
          figure.meter,
          settled.map(({ row }) => row),
        ),
      );
    }
  }
  return taken;
}

/** What a counter said last, whether it and ours stood still before, and at how many looks the difference was the same. */
interface Looked {
  row: OpeningRow;
  stands: boolean;
  looks: number;
}

/** By user and period. */
type AllLooked = ReadonlyMap<string, Looked>;

const differs = (looked: AllLooked) => [...looked.values()].some(({ row }) => Number(row.beyond) !== 0);

function lookAgain(former: AllLooked, rows: readonly OpeningRow[]): AllLooked {
  return new Map(
    rows.map((row) => {
      const name = JSON.stringify([row.name, row.at]);
      const before = former.get(name);
      const looks = before?.row.beyond === row.beyond ? before.looks + 1 : 1;
      return [name, { row, looks, stands: looks > 1 && before?.row.used === row.used }];
    }),
  );
}
