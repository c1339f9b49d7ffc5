import type pg from 'pg';
import { withSnapshot, withTrial } from '../db/transaction.ts';
import { checkMapping, type PlacedFigure } from './check-mapping.ts';
import { keptOf, rowsOf } from './placed-rows-store.ts';
import type { AdoptedProduct } from './product-store.ts';
import type { AppDatabase } from './remote/app-database.ts';
import { copiedRows, withCopies } from './remote/copied-rows-store.ts';
import type { PlacedSource } from './row-expression.ts';
import {
  type AdoptDifference,
  allowLargeTables,
  type Comparison,
  compareFigure,
  compareRows,
  selectLag,
} from './verify-store.ts';

export interface Verification {
  product: string;
  /** Users by meter and period. */
  compared: number;
  differing: number;
  /** Rows of the app that could not be taken over yet. */
  waiting: number;
  /** Of the oldest of them. */
  lagSeconds: number;
  /** Rows in another database that are newer than the last look, and not counted yet. */
  behind: number;
  /** Sources in another database that nobody has looked at for a while. */
  stale: string[];
  /** Sources that no backfill has been through. */
  unfinished: string[];
  /** The largest first. */
  differences: AdoptDifference[];
}

/** Holds the app's rows and counters against what is counted, per user, meter and period, in one snapshot. */
export async function verifyProduct(
  client: pg.ClientBase,
  app: AppDatabase,
  { product, mapping, sources, authority }: AdoptedProduct,
  limit: number,
): Promise<Verification> {
  const checked = await withTrial(client, () => checkMapping(client, mapping, app));
  const idOf = (name: string) => sources.find((source) => source.name === name)?.id ?? 0;
  return (app.remote === null ? withSnapshot : withCopies)(client, async () => {
    await allowLargeTables(client);
    let behind = 0;
    const rowsOfSource = async (placed: PlacedSource) => {
      const id = idOf(placed.source.name);
      const { reading } = placed;
      if (reading === undefined) {
        return { rows: rowsOf(id, placed, mapping.timezone), kept: keptOf(id, placed) };
      }
      const copied = await copiedRows(client, app, id, { ...placed, reading });
      behind += copied.behind;
      return copied;
    };
    const comparisons: Comparison[] = [];
    for (const service of mapping.services) {
      const rows: string[] = [];
      const kept: string[] = [];
      for (const placed of checked.sources.filter(
        ({ source }) => source.kind === 'calls' && source.fields.service?.constant === service,
      )) {
        const found = await rowsOfSource(placed);
        rows.push(found.rows);
        if (placed.source.onDelete === 'ignore') {
          kept.push(found.kept);
        }
      }
      const compared = await compareRows(client, service, rows.join('\nunion all\n'), limit);
      // Looking for rows that are gone takes as long as all the rest, and is for those who differ.
      comparisons.push(
        compared.differing === 0 || kept.length === 0
          ? compared
          : await compareRows(client, service, [...rows, ...kept].join('\nunion all\n'), limit),
      );
    }
    // While quota decides, a column that follows it says what it was told.
    const isMirrored = ({ relation, meter }: PlacedFigure) =>
      authority === 'quota' &&
      checked.mirrors.some((mirror) => mirror.relation === relation && mirror.meter === meter);
    for (const figure of checked.figures.filter((one) => !isMirrored(one))) {
      comparisons.push(await compareFigure(client, app, figure, limit));
    }
    const sum = (key: 'compared' | 'differing') =>
      comparisons.reduce((total, comparison) => total + comparison[key], 0);
    return {
      product,
      compared: sum('compared'),
      differing: sum('differing'),
      ...(await selectLag(client, product)),
      behind,
      stale: sources.filter(({ isStale }) => isStale).map(({ name }) => name),
      unfinished: sources.filter(({ backfilledAt }) => backfilledAt === null).map(({ name }) => name),
      differences: comparisons.flatMap(({ differences }) => differences).slice(0, limit),
    };
  });
}
