import type { Column, Report, Row } from '../../context.ts';

const isRow = (value: unknown): value is Row => typeof value === 'object' && value !== null;

/** The lines of a report: its rows, else the elements of its data, else its data. */
export function reportRows(report: Report): readonly Row[] {
  if (report.rows !== undefined) {
    return report.rows;
  }
  const elements = Array.isArray(report.data) ? report.data : [report.data];
  return elements.map((element) => (isRow(element) ? element : { value: element }));
}

/** The columns of a report, else the keys of its rows in the order of their first appearance. */
export function reportColumns(report: Report): readonly Column[] {
  return report.columns ?? [...new Set(reportRows(report).flatMap(Object.keys))].map((key) => ({ key }));
}
