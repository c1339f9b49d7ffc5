import {
  describeDecimalProblem,
  parseDecimal,
  parseSpreadsheetDecimal,
  parseWhole,
} from '../values/decimal.ts';
import {
  type DateOrder,
  describeInstantProblem,
  parseInstant,
  parseSpreadsheetInstant,
} from '../values/instant.ts';

/** How the values of a text file are written. */
export interface CellFormat {
  /**
   * The file went through a spreadsheet: dates like `4/1/25` are read in this order, as UTC, and amounts may
   * have a currency sign and thousands separators (`"$50,000.00 "`). Without it both are refused.
   */
  dateOrder?: DateOrder | undefined;
  /** Times without a zone are UTC. */
  assumeUtc?: boolean | undefined;
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

/** An exact decimal, or null if the cell is empty. */
export function decimalCell(text: string, column: string, format: CellFormat): string | null {
  if (text === '') {
    return null;
  }
  const decimal = parseDecimal(text);
  if (decimal !== null) {
    return decimal;
  }
  const loose = format.dateOrder === undefined ? null : parseSpreadsheetDecimal(text);
  if (loose !== null) {
    return loose;
  }
  const spreadsheet = parseSpreadsheetDecimal(text) !== null && format.dateOrder === undefined;
  throw new CellFault(
    column,
    `${quoted(text)} ${describeDecimalProblem(text)}`,
    spreadsheet
      ? 'write plain numbers such as 50000.00, or give --date-order to read the file as spreadsheet-formatted'
      : 'write plain numbers such as 1234.56',
  );
}

/** A whole number as text, also when it is printed as a float (`10.0`), or null if the cell is empty. */
export function wholeCell(text: string, column: string): string | null {
  if (text === '') {
    return null;
  }
  const whole = parseWhole(text);
  if (whole === null) {
    throw new CellFault(column, `${quoted(text)} is not a whole number`);
  }
  return whole;
}

/** An instant in ISO 8601 UTC, or null if the cell is empty. */
export function instantCell(text: string, column: string, format: CellFormat): string | null {
  if (text === '') {
    return null;
  }
  const instant =
    format.dateOrder === undefined
      ? parseInstant(text, { assumeUtc: format.assumeUtc ?? false })
      : parseSpreadsheetInstant(text, format.dateOrder);
  if (instant !== null) {
    return instant;
  }
  const problem = describeInstantProblem(text);
  if (format.dateOrder !== undefined && problem.suggestion.includes('--date-order')) {
    throw new CellFault(
      column,
      `${quoted(text)} is not a date in the order ${format.dateOrder}`,
      problem.suggestion,
    );
  }
  throw new CellFault(column, `${quoted(text)} ${problem.reason}`, problem.suggestion);
}

/** The value of a cell that must not be empty. */
export function requiredCell<T>(value: T | null, column: string): T {
  if (value === null || value === '') {
    throw new CellFault(column, 'is empty');
  }
  return value;
}
