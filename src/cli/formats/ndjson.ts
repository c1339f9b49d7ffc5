import type { Report, Row } from '../../context.ts';
import { jsonLine } from './json.ts';
import { reportRows } from './rows.ts';

/** One JSON value per line. */
export const formatNdjson = (report: Report): string => formatNdjsonRows(reportRows(report));

export const formatNdjsonRows = (rows: readonly Row[]): string =>
  rows.map((row) => `${jsonLine(row)}\n`).join('');
