import { createHash } from 'node:crypto';
import type pg from 'pg';
import { notFoundError } from '../../errors.ts';
import { BadLines, type BadLinesOptions } from '../../files/bad-lines.ts';
import { CellFault, quoted } from '../../files/cells.ts';
import type { BillingLine } from '../../providers/exports/billing-line.ts';
import { amountIn } from '../../providers/exports/lines-from-rows.ts';
import { lineOfRecord, recordOfStored } from '../../providers/exports/vapi-call-record.ts';
import { counted } from '../../values/counted.ts';
import {
  copyLines,
  insertExport,
  nextExportId,
  type StoredExport,
  selectAttachedOfSource,
  selectExports,
} from '../exports/export-store.ts';
import { leftOutWords } from '../exports/left-out.ts';
import { LineEncoder } from '../exports/line-copy.ts';
import { type Covered, LineTotals } from '../exports/line-totals.ts';
import type { LoadSurroundings } from '../exports/load-export.ts';
import { type CompleteFetch, fetchTakenError } from './fetch-calls.ts';
import {
  deleteFetch,
  type FetchKey,
  lockFetch,
  monthRecords,
  unlistedCalls,
  upsertCalls,
} from './fetch-store.ts';

/** What exports are called that were fetched: a later one of the same month takes the place of an earlier one. */
export const fetchedSource = 'vapi:api';

/**
 * Makes an export of the calls that were fetched and belong to the month, in the transaction that is open, and ends
 * the fetch. Its sha256 is that of its records, one a line: the same calls are the same export. Calls of the
 * month's former fetch that VAPI does not list any more (its retention is weeks; calls can be deleted) are kept
 * as they were: what was billed is history.
 * @throws badInputError for calls that cannot be read; notFoundError where VAPI has none of the month; tryAgainError
 * when another process has ended the fetch
 */
export async function loadFetch(
  surroundings: LoadSurroundings,
  { key, id }: CompleteFetch,
  reader: { skipInvalid?: boolean | undefined; onReject?: BadLinesOptions['onReject'] },
): Promise<StoredExport> {
  const { client, onNotice } = surroundings;
  if (!(await lockFetch(client, key, id))) {
    throw fetchTakenError(key);
  }
  const kept = await keepUnlisted(client, key);
  if (kept > 0) {
    onNotice(`VAPI does not list ${counted(kept, 'call')} of ${key.month} any more: kept as fetched`);
  }
  const digest = await digestRecords(client, key);
  if (digest.bytes === 0) {
    throw notFoundError(`VAPI has no call of ${key.month}`, {
      suggestion: 'check that VAPI_API_KEY is of the organisation whose calls these are',
    });
  }
  const [known] = await selectExports(client, key.provider, digest.sha256);
  const loaded = known ?? (await copyRecords(surroundings, key, digest, reader));
  await deleteFetch(client, key, id);
  return loaded;
}

async function keepUnlisted(client: pg.ClientBase, key: FetchKey): Promise<number> {
  const former = await selectAttachedOfSource(client, { ...key, source: fetchedSource });
  if (former.length === 0) {
    return 0;
  }
  let kept = 0;
  for await (const calls of unlistedCalls(client, key, former)) {
    kept += calls.length;
    await upsertCalls(
      client,
      key,
      calls.map((call) => ({
        externalId: call.id,
        createdAt: call.createdAt ?? call.startedAt ?? '',
        billedAt: call.startedAt ?? call.createdAt ?? '',
        cost: call.cost,
        record: recordOfStored(call),
      })),
    );
  }
  return kept;
}

interface Digest {
  sha256: string;
  bytes: number;
}

async function digestRecords(client: pg.ClientBase, key: FetchKey): Promise<Digest> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const records of monthRecords(client, key)) {
    const text = Buffer.from(records.map(({ record }) => `${record}\n`).join(''));
    bytes += text.length;
    hash.update(text);
  }
  return { sha256: hash.digest('hex'), bytes };
}

async function copyRecords(
  { client, onProgress, onNotice }: LoadSurroundings,
  key: FetchKey,
  digest: Digest,
  { skipInvalid = false, onReject }: Parameters<typeof loadFetch>[2],
): Promise<StoredExport> {
  const id = await nextExportId(client);
  const totals = new LineTotals(key.month, key.provider);
  const badLines = new BadLines({ skip: skipInvalid, ...(onReject === undefined ? {} : { onReject }) });
  const encoder = new LineEncoder(id);
  let number = 0;
  for await (const records of monthRecords(client, key)) {
    for (const { record } of records) {
      number += 1;
      const line = readRecord(record, number, badLines);
      if (line !== undefined && totals.add(line)) {
        encoder.add(line);
      }
    }
    onProgress(totals.lines);
    const piece = encoder.take();
    if (piece !== null) {
      await copyLines(client, oneBatch(piece));
    }
  }
  badLines.refuseIfAny();
  // What VAPI lists is the whole month, also where that is nothing.
  const covered = monthOf(key.month);
  totals.requireMonth(fetchedSource, key.provider, covered);
  if (badLines.total > 0) {
    onNotice(`${fetchedSource}: ${leftOutWords(badLines.leftOut, 'call')}`);
  }
  const added = {
    id,
    provider: key.provider,
    format: 'vapi-calls',
    source: fetchedSource,
    ...digest,
    ...totals.sums(fetchedSource, 'USD'),
    reading: {},
    covered,
    wholeSeconds: false,
    leftOut: badLines.leftOut,
  };
  await insertExport(client, added);
  return added;
}

function monthOf(month: string): Covered {
  const begins = `${month}-01T00:00:00Z`;
  const ends = new Date(begins);
  ends.setUTCMonth(ends.getUTCMonth() + 1);
  return { from: begins, until: ends.toISOString() };
}

async function* oneBatch(piece: Buffer): AsyncGenerator<Buffer> {
  yield piece;
}

function readRecord(record: string, number: number, badLines: BadLines): BillingLine | undefined {
  try {
    return lineOfRecord(record, number);
  } catch (error) {
    if (!(error instanceof CellFault)) {
      throw error;
    }
    const { column, suggestion } = error;
    const { id, cost } = JSON.parse(record) as { id: unknown; cost: unknown };
    const reason = `${error.reason} (call ${quoted(String(id))})`;
    badLines.add(
      { file: fetchedSource, line: number, column, reason, suggestion, amount: amountIn(String(cost)) },
      record,
    );
    return undefined;
  }
}
