import type { BadLines } from '../../files/bad-lines.ts';
import { CellFault, type CellFormat } from '../../files/cells.ts';
import { readCsvHeader } from '../../files/csv/csv-header.ts';
import { looksLikeJson, outlineJson } from '../../files/json/json-outline.ts';
import type { Input } from '../../files/open-input.ts';
import type { RowBatch } from '../../files/row-batch.ts';
import type { BillingLine } from './billing-line.ts';

/** The names that `--format` takes. */
export const exportFormats = [
  'vapi-calls',
  'heygen-sessions',
  'liveavatar-sessions',
  'openai-costs-csv',
  'openai-usage-csv',
  'openai-costs',
  'anthropic-costs',
  'focus',
  'csv',
] as const;

export type ExportFormat = (typeof exportFormats)[number];

/** What the beginning of a file shows of its format. */
export type Shape =
  /** The column names of a CSV file. */
  | { kind: 'csv'; names: ReadonlySet<string> }
  /** The member paths of a JSON text, see `outlineJson`. */
  | { kind: 'json'; paths: ReadonlySet<string> };

/** What a reader is given besides the file. */
export interface ReaderSettings {
  /** For formats that do not name the provider. */
  provider: string | null;
  /** `theirs=ours` pairs for the generic CSV. */
  mapping: readonly string[];
  cells: CellFormat;
  badLines: BadLines;
  /** Takes a remark on the whole file that is no error: pages that are missing. */
  notice: (text: string) => void;
}

export interface ExportReader {
  format: ExportFormat;
  /** For messages and help: `VAPI calls (JSON, JSONL)`. */
  title: string;
  /** The provider whose format it is; null if the file or the caller says. */
  provider: string | null;
  recognises: (shape: Shape) => boolean;
  /** The lines of the file in batches. Lines that cannot be read go to `badLines`; throws exit 65. */
  lines: (input: Input, settings: ReaderSettings) => AsyncGenerator<BillingLine[], void, undefined>;
}

/** Looks at the beginning of a file. Throws exit 65 if it begins like CSV and has no usable header. */
export function shapeOf(input: Input): Shape {
  return looksLikeJson(input.sample)
    ? { kind: 'json', paths: outlineJson(input.sample) }
    : { kind: 'csv', names: new Set(readCsvHeader(input).names) };
}

/** True if a record, or the first record of one of the envelopes, has all of the members. */
export function hasMembers(shape: Shape, envelopes: readonly string[], ...members: string[]): boolean {
  if (shape.kind !== 'json') {
    return false;
  }
  const prefixes = ['', ...envelopes.map((path) => `${path}.`)];
  return prefixes.some((prefix) => members.every((member) => shape.paths.has(prefix + member)));
}

/** True if a CSV file has all of the columns. */
export function hasColumns(shape: Shape, ...columns: string[]): boolean {
  return shape.kind === 'csv' && columns.every((column) => shape.names.has(column));
}

/**
 * Turns rows into lines. A row for which `read` throws a CellFault is a bad line; one for which it adds no line
 * (a day without cost) is none. `number` is the row's line or element.
 */
export async function* linesFromRows(
  input: Input,
  batches: AsyncIterable<RowBatch>,
  badLines: BadLines,
  read: (row: string[], number: number, lines: BillingLine[]) => void,
): AsyncGenerator<BillingLine[], void, undefined> {
  for await (const batch of batches) {
    const lines: BillingLine[] = [];
    for (let i = 0; i < batch.rows.length; i++) {
      const before = lines.length;
      try {
        read(batch.rows[i] ?? [], batch.numbers[i] ?? 0, lines);
      } catch (error) {
        if (!(error instanceof CellFault)) {
          throw error;
        }
        lines.length = before;
        const { column, reason, suggestion } = error;
        badLines.add(
          { file: input.name, line: batch.lines[i] ?? 0, column, reason, suggestion },
          batch.originalText(i),
        );
      }
    }
    if (lines.length > 0 && !badLines.refusing) {
      yield lines;
    }
  }
  badLines.refuseIfAny();
}
