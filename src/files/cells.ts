import { bytes } from '../values/bytes.ts';
import { describeDecimalProblem, parseDecimal, parseWhole } from '../values/decimal.ts';
import { callSeconds } from '../values/duration.ts';
import { describeInstantProblem, parseInstant } from '../values/instant.ts';
import {
  type DateOrder,
  parseCommaDecimal,
  parseSerialOrIso,
  parseSpreadsheetDecimal,
  parseSpreadsheetInstant,
} from '../values/spreadsheet.ts';

/** How the values of a text file are written. */
export interface CellFormat {
  /**
   * The file went through a spreadsheet: dates like `4/1/25` are read in this order, as UTC, and amounts may
   * have a currency sign and thousands separators (`"$50,000.00 "`). Without it both are refused. `serial`: dates are
   * numbers of days, as cells without a format are written.
   */
  dateOrder?: DateOrder | undefined;
  /** Times without a zone are UTC. */
  assumeUtc?: boolean | undefined;
  /** Amounts have a decimal comma (`1.234,56`). A comma is refused otherwise, since it may group thousands. */
  decimal?: 'point' | 'comma' | undefined;
}

/** A value that cannot be read: caught once per line by whoever walks the rows. */
export class CellFault extends Error {
  readonly column: string;
  readonly reason: string;
  readonly suggestion: string | null;

  constructor(column: string, reason: string, suggestion: string | null = null) {
    super(reason);
    this.column = column;
    this.reason = reason;
    this.suggestion = suggestion;
  }
}

const shownMax = 60;

/** A value as it may be shown in a message: quoted, without control characters, cut. */
export function quoted(text: string): string {
  const visible = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, '\u00b7');
  return `"${visible.length > shownMax ? `${visible.slice(0, shownMax)}…` : visible}"`;
}

/**
 * An exact decimal, or null if the cell is empty.
 * @throws CellFault
 */
export function decimalCell(text: string, column: string, format: CellFormat): string | null {
  const decimal = readDecimal(text, format);
  if (decimal === null && text.trim() !== '') {
    throw decimalFault(text, column, format);
  }
  return decimal;
}

function readDecimal(text: string, { decimal, dateOrder }: CellFormat): string | null {
  if (decimal === 'comma') {
    return parseCommaDecimal(text);
  }
  const plain = parseDecimal(text) ?? parseDecimal(text.trim());
  return plain ?? (dateOrder === undefined ? null : parseSpreadsheetDecimal(text));
}

const orByComma = (reason: string, suggestion: string) =>
  reason.includes('decimal comma')
    ? `${suggestion}, or say that commas are decimal: --decimal comma`
    : suggestion;

function decimalFault(text: string, column: string, { decimal, dateOrder }: CellFormat): CellFault {
  if (decimal === 'comma') {
    const reason = parseDecimal(text) === null ? 'is no number with a decimal comma' : 'has a decimal point';
    return new CellFault(
      column,
      `${quoted(text)} ${reason}`,
      'leave out --decimal comma where points are used',
    );
  }
  const { reason, suggestion } = describeDecimalProblem(text);
  const isSpreadsheet = dateOrder === undefined && parseSpreadsheetDecimal(text) !== null;
  const advice = isSpreadsheet
    ? `${suggestion}, or give --date-order to read the file as spreadsheet-formatted`
    : orByComma(reason, suggestion);
  return new CellFault(column, `${quoted(text)} ${reason}`, advice);
}

/**
 * Exact seconds, or null if the cell is empty: `90`, and as a length of time `15m` or `1:30`.
 * @throws CellFault
 */
export function secondsCell(text: string, column: string, format: CellFormat): string | null {
  const seconds = readDecimal(text, format) ?? callSeconds.parse(text);
  if (seconds === null && text.trim() !== '') {
    const { reason, suggestion } = callSeconds.describeProblem(text);
    const advice = format.decimal === 'comma' ? suggestion : orByComma(reason, suggestion);
    throw new CellFault(column, `${quoted(text)} ${reason}`, advice);
  }
  return seconds;
}

/**
 * A number of bytes as text, or null if the cell is empty: `26214400`, `25MB`.
 * @throws CellFault
 */
export function bytesCell(text: string, column: string): string | null {
  const size = bytes.parse(text);
  if (size === null && text.trim() !== '') {
    const { reason, suggestion } = bytes.describeProblem(text);
    throw new CellFault(column, `${quoted(text)} ${reason}`, suggestion);
  }
  return size;
}

/**
 * A whole number as text, also when it is printed as a float (`10.0`), or null if the cell is empty.
 * @throws CellFault
 */
export function wholeCell(text: string, column: string, format: CellFormat = {}): string | null {
  if (text === '') {
    return null;
  }
  const whole = parseWhole(readDecimal(text, format) ?? text);
  if (whole === null) {
    throw new CellFault(column, `${quoted(text)} is not a whole number`);
  }
  return whole;
}

function readInstant(text: string, { dateOrder, assumeUtc }: CellFormat): string | null {
  if (dateOrder === undefined) {
    return parseInstant(text, { assumeUtc: assumeUtc ?? false });
  }
  return dateOrder === 'serial' ? parseSerialOrIso(text) : parseSpreadsheetInstant(text, dateOrder);
}

/**
 * An instant in ISO 8601 UTC, or null if the cell is empty.
 * @throws CellFault
 */
export function instantCell(text: string, column: string, format: CellFormat): string | null {
  if (text === '') {
    return null;
  }
  const instant = readInstant(text, format) ?? readInstant(text.trim(), format);
  if (instant !== null) {
    return instant;
  }
  const { reason, suggestion, inFiles = suggestion } = describeInstantProblem(text);
  if (format.dateOrder !== undefined && inFiles.includes('--date-order')) {
    throw new CellFault(column, `${quoted(text)} is not a date in the order ${format.dateOrder}`, inFiles);
  }
  throw new CellFault(column, `${quoted(text)} ${reason}`, inFiles);
}

/**
 * The value of a cell that must not be empty.
 * @throws CellFault
 */
export function requiredCell<T>(value: T | null, column: string): T {
  if (value === null || value === '') {
    throw new CellFault(column, 'is empty');
  }
  return value;
}
