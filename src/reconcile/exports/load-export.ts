import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { isDeepStrictEqual } from 'node:util';
import type pg from 'pg';
import type { InputSource } from '../../files/input.ts';
import { withExport } from '../../providers/exports/open-export.ts';
import type { ExportOptions, OpenedExport } from '../../providers/exports/opened-export.ts';
import {
  copyLines,
  foldParts,
  insertExport,
  nextExportId,
  type Reading,
  type StoredExport,
  selectExports,
  selectExportsOfSize,
} from './export-store.ts';
import { leftOutWords } from './left-out.ts';
import { encodeLine } from './line-copy.ts';
import { LineTotals } from './line-totals.ts';

export interface LoadSurroundings {
  client: pg.ClientBase;
  /** Called with the number of lines of the file read so far. */
  onProgress: (lines: number) => void;
  onNotice: (text: string) => void;
}

export interface ExportSource extends InputSource {
  /** What the export is called from now on. Default: the path. */
  name?: string;
}

/**
 * Loads a billing export, in the transaction that is open: once for its provider and content, however often it
 * is given. Throws exit 65 if it cannot be read, is of another provider, or has no line of the month
 * (`2026-10`); the transaction is then to be rolled back.
 */
export async function loadExport(
  surroundings: LoadSurroundings,
  source: ExportSource,
  options: ExportOptions,
  month: string,
): Promise<StoredExport> {
  const known = await findLoaded(surroundings.client, source, options);
  if (known !== undefined) {
    return known;
  }
  return withExport(source, options, (opened) => load(surroundings, source, opened, options, month));
}

/** What of the options decides what the lines of a file are. */
function readingOf({ mapping = [], ...options }: ExportOptions): Reading {
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

/** Hashes a file only if one of its size has been loaded; stdin cannot be read twice. */
async function findLoaded(
  client: pg.ClientBase,
  { path }: ExportSource,
  options: ExportOptions,
): Promise<StoredExport | undefined> {
  const bytes =
    path === '-'
      ? null
      : await stat(path).then(
          (status) => (status.isFile() ? status.size : null),
          () => null, // Said by whoever opens it.
        );
  const alike = bytes === null ? [] : await selectExportsOfSize(client, bytes);
  if (alike.length === 0) {
    return undefined;
  }
  const sha256 = await hashFile(path);
  return alike.findLast(
    (stored) =>
      stored.sha256 === sha256 &&
      (options.provider ?? stored.provider) === stored.provider &&
      isReadAs(stored, options),
  );
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

async function load(
  { client, onProgress, onNotice }: LoadSurroundings,
  source: ExportSource,
  opened: OpenedExport,
  options: ExportOptions,
  month: string,
): Promise<StoredExport> {
  await client.query('savepoint load_export');
  const id = await nextExportId(client);
  const totals = new LineTotals(month, options.provider);
  await copyLines(client, encodeLines(id, opened, totals, onProgress));
  const { sha256, bytes, notices, leftOut, covered, wholeSeconds, isBillOfNothing } = opened.summary();
  const provider = totals.provider(opened.file, opened.provider);
  const known = (await selectExports(client, provider, sha256)).findLast(
    (stored) => stored.format === opened.format && isReadAs(stored, options),
  );
  if (known !== undefined) {
    await client.query('rollback to savepoint load_export');
    return known;
  }
  totals.requireMonth(opened.file, covered, isBillOfNothing);
  for (const notice of notices) {
    onNotice(`${opened.file}: ${notice}`);
  }
  if (leftOut.lines > 0) {
    onNotice(`${opened.file}: ${leftOutWords(leftOut)}`);
  }
  const sums = totals.sums(opened.file, opened.statesMoney ? (options.currency ?? 'USD') : null);
  if (opened.format === 'focus') {
    sums.calls = await foldParts(client, id);
  }
  const added = {
    id,
    provider,
    format: opened.format,
    source: source.name ?? opened.file,
    sha256,
    bytes,
    ...sums,
    reading: readingOf(options),
    covered,
    wholeSeconds,
    leftOut,
  };
  await insertExport(client, added);
  return added;
}

async function* encodeLines(
  exportId: number,
  opened: OpenedExport,
  totals: LineTotals,
  onProgress: (lines: number) => void,
): AsyncGenerator<string> {
  for await (const batch of opened.batches()) {
    let piece = '';
    for (const line of batch) {
      if (totals.add(line)) {
        piece += encodeLine(exportId, line);
      }
    }
    onProgress(totals.lines);
    if (piece !== '') {
      yield piece;
    }
  }
}
