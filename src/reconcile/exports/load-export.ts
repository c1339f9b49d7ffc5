import type pg from 'pg';
import { tryAgainError } from '../../errors.ts';
import type { InputSource } from '../../files/input.ts';
import { withExportDigest } from '../../providers/exports/export-files.ts';
import { withExport } from '../../providers/exports/open-export.ts';
import type { ExportOptions, OpenedExport } from '../../providers/exports/opened-export.ts';
import {
  copyLines,
  foldParts,
  forgetErased,
  insertExport,
  nextExportId,
  type StoredExport,
} from './export-store.ts';
import { findLoaded, readingOf } from './identify-export.ts';
import { leftOutWords } from './left-out.ts';
import { LineEncoder } from './line-copy.ts';
import { LineTotals } from './line-totals.ts';

export interface LoadSurroundings {
  client: pg.ClientBase;
  /** Called with the number of lines of the file read so far. */
  onProgress: (lines: number) => void;
  onNotice: (text: string) => void;
}

/**
 * Loads a billing export, in the transaction that is open: once for its provider and content, however often it
 * is given.
 * @throws badInputError if it cannot be read, is of another provider, or has no line of the month (`2026-10`); the
 *   transaction is then to be rolled back
 */
export const loadExport = (
  surroundings: LoadSurroundings,
  source: InputSource,
  options: ExportOptions,
  month: string,
): Promise<StoredExport> =>
  withExportDigest(source, async (again, { sha256 }) => {
    const known = await findLoaded(surroundings.client, sha256, options);
    return (
      known ?? withExport(again, options, (opened) => load(surroundings, sha256, opened, options, month))
    );
  });

async function load(
  { client, onProgress, onNotice }: LoadSurroundings,
  sha256: string,
  opened: OpenedExport,
  options: ExportOptions,
  month: string,
): Promise<StoredExport> {
  const id = await nextExportId(client);
  // While this waited for the id, somebody else may have loaded it.
  const known = await findLoaded(client, sha256, options);
  if (known !== undefined) {
    return known;
  }
  const totals = new LineTotals(month, options.provider);
  await copyLines(client, encodeLines(id, opened, totals, onProgress));
  const { bytes, notices, leftOut, covered, wholeSeconds, isBillOfNothing, ...read } = opened.summary();
  if (read.sha256 !== sha256) {
    throw tryAgainError(`${opened.file} was changed while it was read`, {
      suggestion: 'wait until it is written',
    });
  }
  const provider = totals.provider(opened.file, opened.provider);
  totals.requireMonth(opened.file, provider, covered, isBillOfNothing);
  for (const notice of notices) {
    onNotice(`${opened.file}: ${notice}`);
  }
  if (leftOut.lines > 0) {
    onNotice(`${opened.file}: ${leftOutWords(leftOut)}`);
  }
  const sums = totals.sums(opened.file, opened.statesMoney ? (options.currency ?? 'USD') : null);
  if (
    options.currency !== undefined &&
    sums.currency !== null &&
    sums.currency !== options.currency.toUpperCase()
  ) {
    onNotice(
      `${opened.file}: its amounts are in ${sums.currency}, so --currency ${options.currency} is not heeded`,
    );
  }
  if (opened.format === 'focus') {
    sums.calls = await foldParts(client, id);
  }
  const added = {
    id,
    provider,
    format: opened.format,
    source: opened.file,
    sha256,
    bytes,
    ...sums,
    reading: readingOf(options),
    covered,
    wholeSeconds,
    leftOut,
  };
  await forgetErased(client, id);
  await insertExport(client, added);
  return added;
}

async function* encodeLines(
  exportId: number,
  opened: OpenedExport,
  totals: LineTotals,
  onProgress: (lines: number) => void,
): AsyncGenerator<Buffer> {
  const encoder = new LineEncoder(exportId);
  for await (const batch of opened.batches()) {
    for (const line of batch) {
      if (totals.add(line)) {
        encoder.add(line);
      }
    }
    onProgress(totals.lines);
    const piece = encoder.take();
    if (piece !== null) {
      yield piece;
    }
  }
}
