import type pg from 'pg';
import { type SavedMapping, selectMapping } from '../../reconcile/exports/mapping-store.ts';
import type { ReadingOptions } from './command-with.ts';

/** What is kept of the options under a name. */
export const mappingOf = ({ map = [], ...options }: ReadingOptions): SavedMapping => ({
  columns: map,
  provider: options.provider ?? null,
  dateOrder: options.dateOrder ?? null,
  assumeUtc: options.assumeUtc === true,
  decimal: options.decimal ?? null,
  currency: options.currency ?? null,
  feesWithoutDate: options.feesWithoutDate === true,
});

/**
 * What is given wins over what was saved; columns are added to it.
 * @throws notFoundError if nothing has been saved under the name
 */
export async function withMapping<Options extends ReadingOptions>(
  client: pg.ClientBase,
  options: Options,
): Promise<Options> {
  if (options.mapping === undefined) {
    return options;
  }
  const saved = await selectMapping(client, options.mapping);
  const given = new Set(options.map?.map(oursOf));
  return {
    ...options,
    map: [...saved.columns.filter((pair) => !given.has(oursOf(pair))), ...(options.map ?? [])],
    ...(saved.provider === null ? {} : { provider: options.provider ?? saved.provider }),
    ...(saved.dateOrder === null ? {} : { dateOrder: options.dateOrder ?? saved.dateOrder }),
    ...(saved.decimal === null ? {} : { decimal: options.decimal ?? saved.decimal }),
    ...(saved.currency === null ? {} : { currency: options.currency ?? saved.currency }),
    assumeUtc: options.assumeUtc ?? saved.assumeUtc,
    feesWithoutDate: options.feesWithoutDate ?? saved.feesWithoutDate,
  };
}

const oursOf = (pair: string) => pair.slice(pair.lastIndexOf('=') + 1).trim();
