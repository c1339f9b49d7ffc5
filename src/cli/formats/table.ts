import Table from 'cli-table3';
import type { Column, Row, Style } from '../../context.ts';
import { printable } from '../../printable.ts';
import { leftOut, wordsOfName } from '../../values/counted.ts';
import { minuteText } from '../../values/instant.ts';
import { cellText } from '../printable.ts';
import { wrapText } from '../wrap-text.ts';
import { fitColumns } from './fit-columns.ts';

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

/**
 * Rows under their headings, without lines between them. On a terminal they fit its width: cells are cut, columns left
 * out, and it is said which.
 */
export function formatTable(columns: readonly Column[], rows: readonly Row[], style: Style): string {
  if (rows.length === 0) {
    return `${style.dim('nothing to list')}\n`;
  }
  const whole = tableOf(columns, rows, style);
  const filled = columns.filter(
    ({ key }, index) => index === 0 || rows.some((row) => cellText(row[key]) !== ''),
  );
  if (style.isTerminal && whole.width > style.width && filled.length < columns.length) {
    return formatTable(filled, rows, style); // Nothing is lost with a column that is empty.
  }
  const text = whole.toString();
  const natural = whole.options.colWidths.map((width) => width ?? 0);
  if (!style.isTerminal || whole.width <= style.width) {
    return `${withoutEnds(text)}\n`;
  }
  const fitted = fitColumns(columns, natural, style.width);
  const shown = fitted.map(({ column }) => column);
  const left = columns.filter((column) => !shown.includes(column)).map(headingOf);
  const table = tableOf(
    shown,
    rows,
    style,
    fitted.map(({ width }) => width),
  );
  return [
    withoutEnds(table.toString()),
    ...(left.length === 0 ? [] : [style.dim(wrapText(leftOut(left), style.width))]),
    '',
  ].join('\n');
}

function tableOf(columns: readonly Column[], rows: readonly Row[], style: Style, colWidths: number[] = []) {
  const table = new Table({
    head: columns.map((column) => style.bold(headingOf(column))),
    colAligns: columns.map((column) => column.align ?? 'left'),
    colWidths,
    chars: noBorder,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  });
  table.push(...rows.map((row) => columns.map((column) => printable(cellOf(row[column.key])))));
  return table;
}

/** Names of the JSON are for scripts. */
const headingOf = ({ key, title }: Column): string => title ?? wordsOfName(key);

/** For people: no bare booleans, and instants to the minute. */
function cellOf(value: unknown): string {
  if (typeof value === 'boolean') {
    return value ? 'yes' : 'no';
  }
  const text = cellText(value);
  return isInstant(text) ? minuteText(text) : text;
}

const isInstant = (text: string) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/.test(text);

const withoutEnds = (text: string) => text.replace(/[ \t]+$/gm, '');
