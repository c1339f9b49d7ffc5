import type { BadLines } from '../../files/bad-lines.ts';
import { CellFault } from '../../files/cells.ts';
import type { Input } from '../../files/input.ts';
import type { RowBatch } from '../../files/row-batch.ts';
import { parseDecimal } from '../../values/decimal.ts';
import type { BillingLine } from './billing-line.ts';
import { isTotalWord, TotalRows, totalAdvice } from './total-rows.ts';

/** Takes a part of a row that cannot be read, with its text and what it says it costs, so far as that can be told. */
export type RejectPart = (fault: CellFault, text: string, amount: string | null) => void;

/** Where a row stands. One for all rows of a batch: not to be kept. */
export interface RowPlace {
  /** The row's line, or its place in a list: unique in the file. */
  number: number;
  /** Its line of the file, from 1. */
  line: number;
  /** As it stands in the file. */
  text: () => string;
  reject: RejectPart;
}

export interface RowReading {
  /**
   * Adds the lines of a row. If it throws a CellFault the row is a bad line; if it adds none (a day without cost) it
   * is none.
   */
  read: (row: string[], at: RowPlace, lines: BillingLine[]) => void;
  /** What a row that cannot be read says it costs, as an exact decimal; null if that cannot be read either. */
  amountOf?: ((row: string[]) => string | null) | undefined;
  /** Where that stands, for messages. */
  amountColumn?: string;
  /** Whether somebody may have added rows of totals: as in all that can be opened in a spreadsheet. */
  mayHaveTotals?: boolean;
}

/** Turns rows into lines. Rows of totals are none. */
export async function* linesFromRows(
  input: Input,
  batches: AsyncIterable<RowBatch>,
  badLines: BadLines,
  { read, amountOf, amountColumn = 'cost', mayHaveTotals = false }: RowReading,
): AsyncGenerator<BillingLine[], void, undefined> {
  const totals = mayHaveTotals ? new TotalRows() : null;
  for await (const batch of batches) {
    const lines: BillingLine[] = [];
    let index = 0;
    const reject: RejectPart = ({ column, reason, suggestion }, text, amount) => {
      const remark = totals === null ? {} : { remark: () => totals.remarkOn(amount) };
      badLines.add({ file: input.name, line: at.line, column, reason, suggestion, amount, ...remark }, text);
    };
    const at: RowPlace = { number: 0, line: 0, text: () => batch.originalText(index), reject };
    for (; index < batch.rows.length; index++) {
      const row = batch.rows[index] ?? [];
      const before = lines.length;
      at.number = batch.numbers[index] ?? 0;
      at.line = batch.lines[index] ?? 0;
      try {
        read(row, at, lines);
        if (totals !== null) {
          totals.sift(lines, before, at);
        }
      } catch (error) {
        if (!(error instanceof CellFault)) {
          throw error;
        }
        lines.length = before;
        reject(ofTotal(error, row), at.text(), amountOf?.(row) ?? null);
      }
    }
    if (lines.length > 0 && !badLines.refusing) {
      yield lines;
    }
  }
  const lines = totals?.settle(input, amountColumn, badLines) ?? [];
  badLines.refuseIfAny();
  if (lines.length > 0) {
    yield lines;
  }
}

/** Says of a row that calls itself a total that this is why it cannot be read. */
function ofTotal(fault: CellFault, row: string[]): CellFault {
  const word = row.find(isTotalWord);
  return word === undefined
    ? fault
    : new CellFault(fault.column, `${fault.reason}: the row says "${word.trim()}"`, totalAdvice);
}

/**
 * Reads the parts of a row one by one, such as the results of a bucket: one that cannot be read is rejected by itself,
 * under its place in `column`.
 */
export function readParts(
  { rows, originalText }: RowBatch,
  column: string,
  reject: RejectPart,
  {
    read,
    amountOf,
  }: { read: (row: string[], text: string) => void; amountOf: (row: string[]) => string | null },
): void {
  for (const [index, row] of rows.entries()) {
    try {
      read(row, originalText(index));
    } catch (error) {
      if (!(error instanceof CellFault)) {
        throw error;
      }
      const place = new CellFault(`${column}[${index}].${error.column}`, error.reason, error.suggestion);
      reject(place, originalText(index), amountOf(row));
    }
  }
}

/** What a cell says that was charged, if it can be read at all. */
export const amountIn = (text: string | undefined): string | null => parseDecimal((text ?? '').trim());
