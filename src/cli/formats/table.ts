import Table from 'cli-table3';
import type { Column, Row, Style } from '../../context.ts';
import { printable } from '../../printable.ts';
import { cellText } from '../printable.ts';

const noBorder = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/** Rows under their headings, without lines between them. */
export function formatTable(columns: readonly Column[], rows: readonly Row[], style: Style): string {
  if (rows.length === 0) {
    return `${style.dim('nothing to list')}\n`;
  }
  const table = new Table({
    head: columns.map((column) => style.bold(column.title ?? column.key)),
    colAligns: columns.map((column) => column.align ?? 'left'),
    chars: noBorder,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  });
  table.push(...rows.map((row) => columns.map((column) => printable(cellText(row[column.key])))));
  return `${table.toString().replace(/[ \t]+$/gm, '')}\n`;
}
