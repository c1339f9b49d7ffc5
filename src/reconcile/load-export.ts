import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import type { InputSource } from '../files/open-input.ts';
import { type ExportOptions, type OpenedExport, withExport } from '../providers/exports/open-export.ts';
import {
  copyLines,
  insertExport,
  nextExportId,
  type StoredExport,
  selectExport,
  selectExportsOfSize,
} from './export-store.ts';
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
  const known = await findLoaded(surroundings.client, source, options.provider);
  if (known !== undefined) {
    return known;
  }
  return withExport(source, options, (opened) => load(surroundings, source, opened, options.provider, month));
}

/** Hashes a file only if one of its size has been loaded; stdin cannot be read twice. */
async function findLoaded(
  client: pg.ClientBase,
  { path }: ExportSource,
  provider: string | undefined,
): Promise<StoredExport | undefined> {
  const bytes =
    path === '-'
      ? null
      : await stat(path).then(
          (status) => status.size,
          () => null, // Said by whoever opens it.
        );
  const alike = bytes === null ? [] : await selectExportsOfSize(client, bytes);
  if (alike.length === 0) {
    return undefined;
  }
  const sha256 = await hashFile(path);
  return alike.find(
    (stored) => stored.sha256 === sha256 && (provider ?? stored.provider) === stored.provider,
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
  wanted: string | undefined,
  month: string,
): Promise<StoredExport> {
  await client.query('savepoint load_export');
  const id = await nextExportId(client);
  const totals = new LineTotals(month, wanted);
  await copyLines(client, encodeLines(id, opened, totals, onProgress));
  const { sha256, bytes, notices, badLines } = opened.summary();
  const provider = totals.provider(opened.file);
  const known = await selectExport(client, provider, sha256);
  if (known !== undefined) {
    await client.query('rollback to savepoint load_export');
    return known;
  }
  totals.requireMonth(opened.file);
  for (const notice of notices) {
    onNotice(`${opened.file}: ${notice}`);
  }
  if (badLines > 0) {
    onNotice(`${opened.file}: ${badLines} lines cannot be read and were left out`);
  }
  const added = {
    id,
    provider,
    format: opened.format,
    source: source.name ?? opened.file,
    sha256,
    bytes,
    lines: totals.lines,
    calls: totals.calls,
    billed: totals.billed.toString(),
    currency: totals.currency(opened.file),
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
