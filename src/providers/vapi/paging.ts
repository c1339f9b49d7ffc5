import { usageError } from '../../errors.ts';
import { VapiUnavailableError } from './errors.ts';

/** The most that one list request may ask for. */
const pageSizeMax = 1000;
/** VAPI's own default. */
const pageSizeUsual = 100;
/** A walk longer than this many pages is taken for one that does not end. */
const pagesMax = 100_000;

/** What VAPI lists: everything has an id and the instant of its creation. */
export interface Listed {
  id: string;
  createdAt: string;
}

/** Where a walk stands; plain JSON, so that it can be stored and the walk resumed by another process. */
export interface ListCursor {
  createdAtLe: string;
  /** Ids at the edge that have been given out already. */
  seen: string[];
}

/** New items of one request, newest first, and where to resume after them; no cursor means the end was reached. */
export interface ListPage<Item> {
  items: Item[];
  cursor: ListCursor | undefined;
}

export interface ListRange {
  /** Inclusive ISO 8601 bounds of createdAt. */
  createdAtGe?: string | undefined;
  createdAtLe?: string | undefined;
  /** Items per request, 1..1000. */
  pageSize?: number | undefined;
  /** Takes the place of createdAtLe: resume where an earlier walk stood. */
  cursor?: ListCursor | undefined;
}

interface PageQuery {
  limit: number;
  createdAtGe?: string;
  createdAtLe?: string;
}

/**
 * Walks a list of VAPI from its newest item to its oldest. VAPI has no cursor of its own: the next page is what
 * was created up to the oldest item seen. Each page overlaps the one before by a millisecond (VAPI may keep finer
 * instants than it prints) and what was seen there is dropped by id, so items of the same instant at the edge of
 * a page are neither lost nor given twice.
 * @throws VapiUnavailableError when more than 1000 items fall into one such edge, or when the list turns out not to be
 *   newest first: to go on would lose items silently
 */
export async function* newestFirst<Item extends Listed>(
  fetchPage: (query: PageQuery) => Promise<Item[]>,
  range: ListRange,
): AsyncGenerator<ListPage<Item>> {
  const usualSize = range.pageSize ?? pageSizeUsual;
  if (!Number.isInteger(usualSize) || usualSize < 1 || usualSize > pageSizeMax) {
    throw usageError(`a page has 1 to ${pageSizeMax} items, not ${usualSize}`);
  }
  let cursor: ListCursor | undefined = range.cursor;
  let limit = usualSize;
  for (let page = 0; page < pagesMax; page++) {
    const createdAtLe = cursor?.createdAtLe ?? range.createdAtLe;
    const items = await fetchPage(pageQuery(limit, range.createdAtGe, createdAtLe));
    const isLast = items.length < limit;
    if (!isLast) {
      assertNewestFirst(items);
    }
    const next = isLast ? undefined : cursorAfter(items);
    if (next !== undefined && createdAtLe !== undefined && !isEarlier(next.createdAtLe, createdAtLe)) {
      if (limit === pageSizeMax) {
        throw tooManyAtOnce(createdAtLe);
      }
      limit = pageSizeMax;
      continue;
    }
    const seen: Set<string> = new Set(cursor?.seen);
    yield { items: items.filter((item) => !seen.has(item.id)), cursor: next };
    if (next === undefined) {
      return;
    }
    cursor = next;
    limit = usualSize;
  }
  throw listError(`VAPI's list did not end after ${pagesMax} pages`, 'Narrow the range of createdAt.');
}

function pageQuery(
  limit: number,
  createdAtGe: string | undefined,
  createdAtLe: string | undefined,
): PageQuery {
  return {
    limit,
    ...(createdAtGe === undefined ? {} : { createdAtGe }),
    ...(createdAtLe === undefined ? {} : { createdAtLe }),
  };
}

function cursorAfter(items: readonly Listed[]): ListCursor {
  const edgeMs = Math.min(...items.map(createdAtMs)) + 1;
  return {
    createdAtLe: new Date(edgeMs).toISOString(),
    seen: items.filter((item) => createdAtMs(item) <= edgeMs).map((item) => item.id),
  };
}

function createdAtMs(item: Listed): number {
  const ms = Date.parse(item.createdAt);
  if (Number.isNaN(ms)) {
    throw listError(
      `VAPI lists ${item.id} with a createdAt that is no instant: ${JSON.stringify(item.createdAt)}`,
    );
  }
  return ms;
}

function assertNewestFirst(items: readonly Listed[]): void {
  let previousMs = Number.POSITIVE_INFINITY;
  for (const item of items) {
    const ms = createdAtMs(item);
    if (ms > previousMs) {
      throw listError('VAPI no longer lists the newest first, so its pages cannot be walked');
    }
    previousMs = ms;
  }
}

function isEarlier(instant: string, other: string): boolean {
  return Date.parse(instant) < Date.parse(other);
}

function tooManyAtOnce(createdAtLe: string): VapiUnavailableError {
  return listError(
    `VAPI has more than ${pageSizeMax} items created at ${createdAtLe}, more than one request can give`,
    'List by assistant instead.',
  );
}

function listError(message: string, suggestion?: string): VapiUnavailableError {
  return new VapiUnavailableError(message, { reason: 'bad_answer', suggestion });
}
