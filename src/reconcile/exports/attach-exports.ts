import type pg from 'pg';
import { badInputError, notFoundError } from '../../errors.ts';
import {
  attachExport,
  detachExports,
  detachOtherReadings,
  detachOthers,
  hasLineOfMonth,
  selectAttached,
  selectCurrencies,
  selectRepeated,
} from './attachment-store.ts';
import type { StoredExport } from './export-store.ts';
import type { LoadSurroundings } from './load-export.ts';

export interface AttachRequest {
  month: string;
  provider: string | undefined;
  /** They take the place of all that the month has. */
  replace: boolean;
  /** Exports whose place they take in any case. */
  former: readonly number[];
}

/**
 * Puts loaded exports to a month. A file that was read in another way before takes the place of that reading.
 * Returns how many exports came or went.
 * @throws badInputError for an export without a line of the month, or in another currency
 */
export async function attachExports(
  client: pg.ClientBase,
  id: string,
  loaded: readonly StoredExport[],
  { month, provider, replace, former }: AttachRequest,
): Promise<number> {
  const kept = loaded.map((added) => added.id);
  let moved = 0;
  for (const added of loaded) {
    if (await attachExport(client, id, added.id)) {
      moved += 1;
      if (!(await hasLineOfMonth(client, id, added.id))) {
        throw badInputError(`${added.source} has no line of ${month}`, {
          suggestion: 'name another month or file',
        });
      }
    }
  }
  moved += await detachOtherReadings(client, id, kept);
  moved += await detachExports(
    client,
    id,
    former.filter((exportId) => !kept.includes(exportId)),
  );
  if (replace && loaded.length > 0) {
    moved += await detachOthers(client, id, kept);
  }
  if (loaded.length === 0 && (await selectAttached(client, id)).length === 0) {
    throw notFoundError(`no bill of ${month} by ${provider} has been loaded`, {
      suggestion: 'name its files: --export FILE',
    });
  }
  await requireOneCurrency(client, id, month);
  return moved;
}

async function requireOneCurrency(client: pg.ClientBase, id: string, month: string): Promise<void> {
  const currencies = await selectCurrencies(client, id);
  if (currencies.length > 1) {
    throw badInputError(
      `the exports of ${month} are in ${currencies.join(' and ')}: their sum means nothing`,
      {
        suggestion: 'convert them to one currency, or reconcile each under a --provider of its own',
      },
    );
  }
}

/** Of an export's lines, so large a share that it is hardly by mistake of the provider. */
const repeatedShare = 0.5;

/** Tells of the same bill in two exports: a newer download of a month, a file and a fetch, packed and unpacked. */
export async function tellRepeated(
  { client, onNotice }: LoadSurroundings,
  id: string,
  month: string,
): Promise<void> {
  const attached = await selectAttached(client, id);
  if (attached.length < 2) {
    return;
  }
  const repeated = await selectRepeated(client, id);
  for (const { source, lines, repetitions } of repeated) {
    if (repetitions >= lines * repeatedShare) {
      onNotice(
        `${repetitions} of ${lines} lines of ${source} repeat lines of the exports of ${month} and count as ` +
          'duplicate_line; --replace leaves only the exports that are named with it',
      );
    }
  }
}
