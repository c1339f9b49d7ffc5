import type pg from 'pg';
import { copyPieces } from '../db/copy.ts';
import { type BadLine, BadLines } from '../files/bad-lines.ts';
import { CellFault, type CellFormat } from '../files/cells.ts';
import type { Input } from '../files/input.ts';
import type { RowBatch } from '../files/row-batch.ts';
import { openTable, parseMapping, splitIgnored, type Table } from '../files/table-rows.ts';
import type { LineKind } from './import-kind.ts';
import { createLineEncoder, type LineEncoder } from './line-encoder.ts';

/** A file whose header (or first record) has been read, and found to be of the kind. */
export interface ImportFile {
  readonly input: Input;
  readonly table: Table<string>;
  /** Collects what cannot be read, line by line; hands it on to whoever stages the lines. */
  readonly bad: BadLineSink;
}

export interface BadLineSink {
  take: (bad: BadLine, original: string) => void;
}

export interface StageOptions {
  format: CellFormat;
  /** The original text of every line is staged too: any of them may have to be written to the rejects file. */
  keepOriginal: boolean;
  signal: AbortSignal;
  /** Called with the number of lines so far. */
  onProgress: (lines: number) => void;
}

export interface StagedFile {
  lines: number;
  /** What to do about the bad lines, a few at the most. */
  suggestions: readonly string[];
}

const suggestionsMax = 5;

/**
 * Reads the beginning of a file and binds its columns.
 * @throws usageError where a mapping makes no sense; badInputError where a column is missing, twice or unknown
 */
export function openImportFile(kind: LineKind, input: Input, map: readonly string[]): ImportFile {
  const { pairs, ignored } = splitIgnored(map);
  const mapping = parseMapping(pairs, kind.columns);
  const bad: BadLineSink = { take: () => {} };
  const badLines = new BadLines({
    keep: 0,
    skip: true,
    onReject: (line, original) => bad.take(line, original),
  });
  const table = openTable<string>(input, kind.columns, badLines, mapping, ignored);
  return { input, table, bad };
}

/** Reads the file to its end into the staging table, good lines and bad, in bounded memory. */
export async function stageLines(
  client: pg.ClientBase,
  kind: LineKind,
  file: ImportFile,
  options: StageOptions,
): Promise<StagedFile> {
  const encoder = createLineEncoder(kind, file.table, options.format);
  const suggestions = new Set<string>();
  const target = { table: 'import_rows', columns: encoder.columns };
  const lines = await copyPieces(client, target, encodedLines(encoder, file, options, suggestions));
  return { lines, suggestions: [...suggestions] };
}

async function* encodedLines(
  encoder: LineEncoder,
  { table, bad }: ImportFile,
  { keepOriginal, signal, onProgress }: StageOptions,
  suggestions: Set<string>,
): AsyncGenerator<string, void, undefined> {
  let piece = '';
  let lines = 0;
  const addBad = (line: Omit<BadLine, 'file'>, number: number, original: string) => {
    if (line.suggestion !== null && suggestions.size < suggestionsMax) {
      suggestions.add(line.suggestion);
    }
    piece += encoder.encodeBad(line, number, keepOriginal ? original : null);
    lines += 1;
  };
  bad.take = (line, original) => addBad(line, line.line, original);
  const addRow = (batch: RowBatch, index: number) => {
    const [number, line] = [batch.numbers[index] ?? 0, batch.lines[index] ?? 0];
    try {
      piece += encoder.encode(
        batch.rows[index] ?? [],
        number,
        line,
        keepOriginal ? batch.originalText(index) : null,
      );
      lines += 1;
    } catch (error) {
      if (!(error instanceof CellFault)) {
        throw error;
      }
      const { column, reason, suggestion } = error;
      addBad({ line, column, reason, suggestion }, number, keepOriginal ? batch.originalText(index) : '');
    }
  };
  for await (const batch of table.batches()) {
    signal.throwIfAborted();
    for (let index = 0; index < batch.rows.length; index++) {
      addRow(batch, index);
    }
    onProgress(lines);
    if (piece !== '') {
      yield piece;
      piece = '';
    }
  }
  if (piece !== '') {
    yield piece;
  }
}
