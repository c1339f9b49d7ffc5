import type pg from 'pg';
import { withAdvisoryLock } from '../../db/advisory-lock.ts';
import { withTransaction } from '../../db/transaction.ts';
import { badInputError, tryAgainError } from '../../errors.ts';
import { quoted } from '../../files/cells.ts';
import { recordOfCall } from '../../providers/exports/vapi-call-record.ts';
import { callCost, callInstant } from '../../providers/vapi/call.ts';
import type { VapiClient } from '../../providers/vapi/client.ts';
import type { VapiCall } from '../../providers/vapi/contract.ts';
import type { ListPage } from '../../providers/vapi/paging.ts';
import {
  countCalls,
  createTrialTables,
  deleteFetch,
  deleteOutdatedFetches,
  type FetchedCall,
  type FetchKey,
  insertFetch,
  type StoredFetch,
  selectFetch,
  updateFetch,
  upsertCalls,
} from './fetch-store.ts';

const hourMs = 3_600_000;

/**
 * VAPI lists by creation, but a call belongs to the month in which it starts. It starts after it was created: by
 * a ring where it was dialled at once, by days where it was scheduled. A week has the campaigns that are planned
 * on one weekend for the next; each day more costs a thirtieth of all requests.
 */
const createdBeforeMonthMs = 7 * 24 * hourMs;
/** No call starts before it is created, but the clocks of the two instants are of different machines. */
const createdAfterMonthMs = hourMs;
/** The clocks here and at VAPI may differ by so much when it is asked what has changed since a fetch began. */
const changesOverlapMs = 5 * 60_000;
/** An interrupted fetch older than this is begun anew: too much of it would have to be listed again as changed. */
const fetchAgeMsMax = 24 * hourMs;
/**
 * VAPI's own page size. Calls carry their transcripts, tens of kilobytes each: with pages of 250 the process took
 * 250 MB.
 */
const callsPerPage = 100;

export interface FetchRequest {
  client: pg.ClientBase;
  vapi: VapiClient;
  key: FetchKey;
  /** Tells one organisation at VAPI from another. */
  origin: string;
  now: Date;
  signal: AbortSignal;
  /** Called with the number of calls that have come so far. */
  onProgress: (calls: number) => void;
  onNotice: (text: string) => void;
}

/** A fetch that is complete; its calls wait in the tables until they become an export. */
export interface CompleteFetch {
  key: FetchKey;
  id: string;
  startedAt: Date;
}

/**
 * Fetches the calls of a month and of the margins around it, a page and a transaction at a time: a fetch that was
 * interrupted, in whatever way, goes on where it stood. What changed while it ran is listed once more at its end.
 * @throws VapiUnavailableError (69); tryAgainError when another process fetches the same month
 */
export async function fetchCalls(request: FetchRequest): Promise<CompleteFetch> {
  const { client, key } = request;
  if (key.place === 'pg_temp') {
    await createTrialTables(client);
    return walk(request);
  }
  return withAdvisoryLock(client, `fetch of ${key.provider} ${key.month}`, () => walk(request), {
    mode: 'try',
  });
}

async function walk(request: FetchRequest): Promise<CompleteFetch> {
  const { client, vapi, key, signal } = request;
  const fetch = await openFetch(request);
  const range = { ...createdRange(key.month), pageSize: callsPerPage, signal };
  let calls = await countCalls(client, key);
  const keep = async (page: ListPage<VapiCall>, isWalk: boolean) => {
    await keepPage(client, key, fetch, page, isWalk);
    calls += page.items.length;
    request.onProgress(calls);
  };
  if (!fetch.isWalked) {
    for await (const page of vapi.callPages({ ...range, cursor: fetch.cursor ?? undefined })) {
      await keep(page, true);
    }
  }
  const updatedAtGe = new Date(fetch.startedAt.getTime() - changesOverlapMs).toISOString();
  for await (const page of vapi.callPages({ ...range, updatedAtGe })) {
    await keep(page, false);
  }
  return { key, id: fetch.id, startedAt: fetch.startedAt };
}

/** The fetch that was interrupted, or a new one. */
async function openFetch({ client, key, origin, now, onNotice }: FetchRequest): Promise<StoredFetch> {
  return withTransaction(client, async () => {
    if (key.place === 'quota') {
      await deleteOutdatedFetches(client, new Date(now.getTime() - fetchAgeMsMax));
    }
    const found = await selectFetch(client, key);
    if (found !== undefined && found.origin === origin && found.startedAt <= now) {
      onNotice(
        `going on with the fetch of ${key.month} that was begun at ${found.startedAt.toISOString()}: ` +
          `${await countCalls(client, key)} calls are here`,
      );
      return found;
    }
    if (found !== undefined) {
      await deleteFetch(client, key, found.id);
    }
    const id = await insertFetch(client, key, { origin, startedAt: now });
    return { id, origin, startedAt: now, isWalked: false, cursor: null };
  });
}

/** Calls, and where to go on after them: both or neither. */
function keepPage(
  client: pg.ClientBase,
  key: FetchKey,
  { id }: Pick<StoredFetch, 'id'>,
  { items, cursor }: ListPage<VapiCall>,
  isWalk: boolean,
): Promise<void> {
  return withTransaction(client, async () => {
    const isWalked = !isWalk || cursor === undefined;
    const isOurs = await updateFetch(client, key, { id, isWalked, cursor: isWalked ? null : cursor });
    if (!isOurs) {
      throw fetchTakenError(key);
    }
    // Nobody promises that a list names each call once.
    const calls = new Map(items.map((call) => [call.id, fetchedCall(call)]));
    await upsertCalls(client, key, [...calls.values()]);
  });
}

/** Another process has ended the fetch. */
export const fetchTakenError = ({ provider, month }: FetchKey) =>
  tryAgainError(`another process has finished the fetch of ${provider} ${month}, or begun it anew`, {
    suggestion: 'look at its result: quota reconcile list',
  });

/**
 * What else is no instant or number is left to the reader to refuse.
 * @throws badInputError without an instant of creation: the only one that VAPI promises
 */
function fetchedCall(call: VapiCall): FetchedCall {
  const createdAt = callInstant(call.createdAt);
  if (createdAt === null) {
    throw badInputError(`VAPI lists call ${quoted(call.id)} without an instant of creation`, {
      detail: `createdAt: ${quoted(String(call.createdAt))}`,
      suggestion: 'ask VAPI about this call, or reconcile from a file: --export FILE --skip-invalid',
    });
  }
  return {
    externalId: call.id,
    createdAt,
    billedAt: callInstant(call.startedAt) ?? createdAt,
    cost: callCost(call),
    record: recordOfCall(call),
  };
}

/** `[from, to)` of a month, ISO 8601 UTC. */
export function monthRange(month: string): { from: string; to: string } {
  const from = new Date(`${month}-01T00:00:00Z`);
  const to = new Date(from);
  to.setUTCMonth(to.getUTCMonth() + 1);
  return { from: from.toISOString(), to: to.toISOString() };
}

function createdRange(month: string): { createdAtGe: string; createdAtLe: string } {
  const { from, to } = monthRange(month);
  return {
    createdAtGe: new Date(Date.parse(from) - createdBeforeMonthMs).toISOString(),
    createdAtLe: new Date(Date.parse(to) + createdAfterMonthMs).toISOString(),
  };
}
