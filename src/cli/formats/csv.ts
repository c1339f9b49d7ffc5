import { stringify } from 'csv-stringify/sync';
import type { Column, Report, Row } from '../../context.ts';
import { cellText, printableText } from '../printable.ts';
import { reportColumns, reportRows } from './rows.ts';

/** RFC 4180 with a header line of keys, safe to open in a spreadsheet. */
export const formatCsv = (report: Report): string =>
  formatCsvHeader(reportColumns(report)) + formatCsvRows(reportColumns(report), reportRows(report));

export const formatCsvHeader = (columns: readonly Column[]): string =>
  columns.length === 0 ? '' : stringify([columns.map((column) => column.key)]);

export const formatCsvRows = (columns: readonly Column[], rows: readonly Row[]): string =>
  stringify(rows.map((row) => columns.map((column) => cellOf(row[column.key]))));

/** Formulas are neutralised first: a sign that is taken out may have kept one from being seen. */
const cellOf = (value: unknown) => spreadsheetSafe(printableText(spreadsheetSafe(cellText(value))));

/**
 * A spreadsheet runs a cell that starts like a formula, also with signs of full width; a leading apostrophe makes it
 * text. Plain numbers stay numbers. https://owasp.org/www-community/attacks/CSV_Injection
 */
function spreadsheetSafe(cell: string): string {
  const startsFormula = /^[=+\-@\t\r\n＝＋－＠]/.test(cell);
  return startsFormula && !/^-?\d+(?:\.\d+)?$/.test(cell) ? `'${cell}` : cell;
}
