import type pg from 'pg';
import { usageError } from '../errors.ts';
import type { User } from '../users/user.ts';
import { type HistoryPosition, type PlacedPeriod, selectHistory } from './history-store.ts';
import type { PeriodUsage } from './period-usage.ts';

export interface HistoryRequest {
  services: readonly string[];
  meters: readonly string[];
  /** The `next` of the page before. */
  after: string | undefined;
  limit: number | undefined;
}

export interface HistoryPage {
  user: User;
  periods: PeriodUsage[];
  /** For `--after`; null: this is the last page. */
  next: string | null;
}

/**
 * The latest periods of a user.
 * @throws usageError when `after` is not the `next` of a page
 */
export async function readHistoryPage(
  client: pg.ClientBase,
  user: User,
  request: HistoryRequest & { limit: number },
): Promise<HistoryPage> {
  const placed: PlacedPeriod[] = [];
  for await (const period of openHistory(client, user, { ...request, limit: request.limit + 1 })) {
    placed.push(period);
  }
  const page = placed.slice(0, request.limit);
  const last = page.at(-1);
  const next = last !== undefined && placed.length > page.length ? formatPosition(last.position) : null;
  return { user, periods: page.map(({ usage }) => usage), next };
}

/**
 * All periods of a user, the latest first, in bounded memory.
 * @throws usageError when `after` is not the `next` of a page
 */
export function openHistory(
  client: pg.ClientBase,
  user: User,
  { services, meters, after, limit }: HistoryRequest,
): AsyncGenerator<PlacedPeriod> {
  const position = after === undefined ? undefined : parsePosition(after);
  return selectHistory(client, { userId: user.id, services, meters, after: position, limit });
}

/** `2026-10-31T04:00:00.000000Z/voice_seconds`; the lifetime of a meter is `lifetime/avatar_seconds`. */
const formatPosition = ({ periodStart, meter }: HistoryPosition) =>
  `${periodStart === '-infinity' ? 'lifetime' : periodStart}/${meter}`;

function parsePosition(text: string): HistoryPosition {
  const match = /^(lifetime|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z)\/(\w+)$/.exec(text);
  if (match === null) {
    throw usageError(`--after: "${text}" is not where a page ends`, {
      suggestion: 'write it as the page before gave it, like 2026-10-31T04:00:00.000000Z/voice_seconds',
    });
  }
  const [, start = '', meter = ''] = match;
  return { periodStart: start === 'lifetime' ? '-infinity' : start, meter };
}
