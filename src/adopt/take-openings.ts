import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { withTransaction } from '../db/transaction.ts';
import { countUntried, hastenDead, retryDead } from './backfill-store.ts';
import type { PlacedFigure } from './check-mapping.ts';
import { insertOpenings, type OpeningRow, selectOpenings } from './opening-store.ts';

/** An app that logs and counts in two transactions is between them for less than this. */
const settleMs = 300;
const roundsMax = 20;
const retrySize = 200;

/**
 * Takes over what a counter of the app has beyond its rows. Who is being written to differs for a moment without having
 * anything beyond: a difference counts once it stands still. What never does is left to the next backfill.
 */
export async function takeOpenings(
  client: pg.ClientBase,
  product: string,
  figure: PlacedFigure,
): Promise<number> {
  const differs = ({ used, ours }: OpeningRow) => Number(used) !== Number(ours);
  const nameOf = ({ name, at }: OpeningRow) => JSON.stringify([name, at]);
  let taken = 0;
  let before = await selectOpenings(client, figure);
  for (let round = 0; round < roundsMax && (round === 0 || before.some(differs)); round += 1) {
    if (before.some(differs)) {
      await sleep(settleMs);
    }
    const known = new Map(before.map((row) => [nameOf(row), row]));
    const now = await selectOpenings(client, figure);
    const standing = now.filter((row) => {
      const former = known.get(nameOf(row));
      return former?.used === row.used && former.ours === row.ours;
    });
    // What has met another session is counted in a moment: the counter may have it already.
    if ((await countUntried(client, product)) > 0) {
      await hastenDead(client, product);
      await retryDead(client, retrySize, product);
      before = await selectOpenings(client, figure);
      continue;
    }
    if (standing.length > 0) {
      taken += await withTransaction(client, () => insertOpenings(client, figure.meter, standing));
    }
    before = await selectOpenings(client, figure);
  }
  return taken;
}
