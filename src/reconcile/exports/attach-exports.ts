import type pg from 'pg';
import { badInputError, notFoundError } from '../../errors.ts';
import {
  attachExport,
  detachExports,
  detachFormat,
  detachOtherReadings,
  detachOthers,
  hasLineOfMonth,
  selectAttached,
  selectCurrencies,
  selectLargerDays,
  selectRepeated,
} from './attachment-store.ts';
import type { StoredExport } from './export-store.ts';
import type { LoadSurroundings } from './load-export.ts';
import { nothingFormat } from './load-nothing.ts';

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
  moved += await settleNothing(client, id, loaded, { month, replace });
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

/**
 * A bill takes the place of the word that there is none.
 * @throws badInputError where the month has a bill, and nothing is said to have been billed
 */
async function settleNothing(
  client: pg.ClientBase,
  id: string,
  loaded: readonly StoredExport[],
  { month, replace }: Pick<AttachRequest, 'month' | 'replace'>,
): Promise<number> {
  if (loaded.some(({ format }) => format !== nothingFormat)) {
    return detachFormat(client, id, nothingFormat);
  }
  const others = (await selectAttached(client, id)).filter(({ lines }) => lines > 0);
  if (loaded.length > 0 && !replace && others.length > 0) {
    throw badInputError(`${month} has a bill: ${others.map(({ source }) => source).join(', ')}`, {
      suggestion: '--nothing-billed --replace puts it aside',
    });
  }
  return 0;
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

/** Tells of a file that is left aside though it states more: it may be the one that is whole. */
async function tellLargerDays(
  { client, onNotice }: Pick<LoadSurroundings, 'client' | 'onNotice'>,
  id: string,
): Promise<void> {
  const days = await selectLargerDays(client, id);
  for (const source of new Set(days.map((day) => day.source))) {
    const [first, ...further] = days.filter((day) => day.source === source);
    if (first !== undefined) {
      const others = further.length === 0 ? '' : `, and more on ${further.length} further days`;
      onNotice(
        `${source} states ${first.stated} of ${first.day} where ${first.counted} counts${others}: ` +
          'look which file is whole, and leave only that with --replace',
      );
    }
  }
}

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
  for (const { source, lines, repetitions, sums } of repeated) {
    if (sums > 0 || repetitions >= lines * repeatedShare) {
      onNotice(
        `${repetitions} of ${lines} lines of ${source} repeat lines of the exports of ${month} and count as ` +
          'duplicate_line; --replace leaves only the exports that are named with it',
      );
    }
  }
  if (repeated.some(({ sums }) => sums > 0)) {
    await tellLargerDays({ client, onNotice }, id);
  }
}
