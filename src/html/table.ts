import { type Html, type HtmlValue, html, noHtml } from './html.ts';

/** `number` stands to the right in digits of one width; `code` may break anywhere; `name` and `wide` have room for a few words. */
export type CellKind = 'text' | 'number' | 'code' | 'name' | 'wide' | 'bar';

export interface TableColumn {
  title: string;
  kind?: CellKind;
}

export interface TableRow {
  cells: readonly HtmlValue[];
  /** Closes the rows above it. */
  style?: 'total';
}

/** As many columns beside the first as do not fit on a phone beside it. */
const stackedMin = 3;

export interface TableOptions {
  columns: readonly TableColumn[];
  rows: readonly TableRow[];
  /** What the table shows, for who cannot see where it stands. */
  caption: string;
  dense?: boolean;
}

/** A table whose head is repeated on every printed page, and which scrolls by itself where it is too wide. */
export function table({ columns, rows, caption, dense = false }: TableOptions): Html {
  const heads = columns.map(
    ({ title, kind = 'text' }) => html`<th scope="col" class="${kind}">${title}</th>`,
  );
  const layout = dense ? html` class="dense"` : stacked(columns);
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0">
<table${layout}><caption class="hidden">${caption}</caption>
<thead><tr>${heads}</tr></thead>
<tbody>
${rows.map((row) => tableRow(row, columns))}</tbody></table></div>`;
}

/** With many columns, on a phone the first cell of a row stands above the others, which then have the whole width. */
function stacked(columns: readonly TableColumn[]): Html {
  const below = columns.slice(1).filter(({ kind }) => kind !== 'bar').length;
  return below < stackedMin ? noHtml : html` class="stacked" style="--columns:${below}"`;
}

const tableRow = ({ cells, style }: TableRow, columns: readonly TableColumn[]): Html =>
  html`<tr${style === undefined ? noHtml : html` class="${style}"`}>${cells.map((cell, index) => tableCell(cell, index, columns))}</tr>
`;

const tableCell = (cell: HtmlValue, index: number, columns: readonly TableColumn[]): Html => {
  const kind = columns[index]?.kind ?? 'text';
  return index === 0
    ? html`<th scope="row" class="${kind}">${cell}</th>`
    : html`<td class="${kind}">${cell}</td>`;
};
