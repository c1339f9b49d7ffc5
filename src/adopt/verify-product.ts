import type pg from 'pg';
import { withSnapshot, withTrial } from '../db/transaction.ts';
import { checkMapping, type PlacedFigure } from './check-mapping.ts';
import { keptOf, rowsOf } from './placed-rows-store.ts';
import type { AdoptedProduct } from './product-store.ts';
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
  /** Sources that no backfill has been through. */
  unfinished: string[];
  /** The largest first. */
  differences: AdoptDifference[];
}

/** Holds the app's rows and counters against what is counted, per user, meter and period, in one snapshot. */
export async function verifyProduct(
  client: pg.ClientBase,
  { product, mapping, sources, authority }: AdoptedProduct,
  limit: number,
): Promise<Verification> {
  const checked = await withTrial(client, () => checkMapping(client, mapping));
  const idOf = (name: string) => sources.find((source) => source.name === name)?.id ?? 0;
  return withSnapshot(client, async () => {
    await allowLargeTables(client);
    const comparisons: Comparison[] = [];
    for (const service of mapping.services) {
      const ofService = checked.sources.filter(
        ({ source }) => source.kind === 'calls' && source.fields.service?.constant === service,
      );
      const rows = ofService.map((placed) => rowsOf(idOf(placed.source.name), placed, mapping.timezone));
      const compared = await compareRows(client, service, rows.join('\nunion all\n'), limit);
      // Looking for rows that are gone takes as long as all the rest, and is for those who differ.
      const kept = ofService
        .filter(({ source }) => source.onDelete === 'ignore')
        .map((placed) => keptOf(idOf(placed.source.name), placed));
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
      comparisons.push(await compareFigure(client, figure, limit));
    }
    const sum = (key: 'compared' | 'differing') =>
      comparisons.reduce((total, comparison) => total + comparison[key], 0);
    return {
      product,
      compared: sum('compared'),
      differing: sum('differing'),
      ...(await selectLag(client, product)),
      unfinished: sources.filter(({ backfilledAt }) => backfilledAt === null).map(({ name }) => name),
      differences: comparisons.flatMap(({ differences }) => differences).slice(0, limit),
    };
  });
}
