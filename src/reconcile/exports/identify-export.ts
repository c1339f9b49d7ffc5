import { isDeepStrictEqual } from 'node:util';
import type pg from 'pg';
import type { ExportOptions } from '../../providers/exports/opened-export.ts';
import { type Reading, type StoredExport, selectExportsOfContent } from './export-store.ts';

/**
 * The export that has this content and was read as is asked for now, if it has been loaded; before anything of it is
 * read. An export is what it is by its provider, the sha256 of its bytes and the way in which they are read.
 */
export async function findLoaded(
  client: pg.ClientBase,
  sha256: string,
  options: ExportOptions,
): Promise<StoredExport | undefined> {
  const alike = await selectExportsOfContent(client, sha256);
  return alike.findLast(
    (stored) => (options.provider ?? stored.provider) === stored.provider && isReadAs(stored, options),
  );
}

/** What of the options decides what the lines of a file are. */
export function readingOf({ mapping = [], ...options }: ExportOptions): Reading {
  const { dateOrder, assumeUtc, decimal, currency, feesWithoutDate } = options;
  return {
    ...(mapping.length === 0 ? {} : { mapping: [...mapping] }),
    ...(dateOrder === undefined ? {} : { dateOrder }),
    ...(assumeUtc ? { assumeUtc } : {}),
    ...(decimal === undefined ? {} : { decimal }),
    ...(currency === undefined ? {} : { currency }),
    ...(feesWithoutDate ? { feesWithoutDate } : {}),
  };
}

/** Whether an export was read in the way that is asked for now; what is not said now is as it was. */
function isReadAs({ format, reading }: StoredExport, options: ExportOptions): boolean {
  const asked = { ...reading, ...readingOf(options) };
  return (options.format ?? format) === format && isDeepStrictEqual(asked, reading);
}
