import { Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import type pg from 'pg';
import copyStreams from 'pg-copy-streams';
import { sendCancelRequest } from './cancel-on-abort.ts';

/** A value of a column: null, text, a number, an instant, or a structure for jsonb. */
export type CopyValue = string | number | bigint | boolean | Date | null | object;

export interface CopyTarget {
  /** With its schema; trusted text, like the columns. */
  table: string;
  columns: readonly string[];
}

/** Rows are encoded into pieces of about this size before they are sent. */
const pieceCharactersMin = 65_536;

/**
 * Loads rows with one COPY, in bounded memory and as one statement: triggers of the table run once.
 * @returns the number of rows, as the server counted them.
 */
export function copyRows(
  client: pg.ClientBase,
  target: CopyTarget,
  rows: Iterable<readonly CopyValue[]>,
): Promise<number> {
  return copyPieces(client, target, pieces(rows));
}

/** The same for pieces of any size, of whole lines. */
export async function copyPieces(
  client: pg.ClientBase,
  { table, columns }: CopyTarget,
  encoded: AsyncIterable<string> | Iterable<Buffer | string>,
): Promise<number> {
  const query = client.query(copyStreams.from(`copy ${table} (${columns.join(', ')}) from stdin`));
  await pipeline(Readable.from(encoded), query);
  return query.rowCount;
}

/**
 * The result of a query as COPY writes it, piece by piece; `csv` with a header: `copyText(client, 'select …')`. Whoever
 * leaves the loop early has the rest cancelled, so that the connection is free again.
 */
export async function* copyText(
  client: pg.ClientBase,
  query: string,
  format: 'text' | 'csv' = 'text',
): AsyncGenerator<Buffer, void, undefined> {
  const options = format === 'csv' ? ' with (format csv, header)' : '';
  const stream = client.query(copyStreams.to(`copy (${query}) to stdout${options}`));
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  stream.once('error', over).once('end', over);
  try {
    yield* stream.iterator({ destroyOnReturn: false });
  } finally {
    if (!isOver) {
      sendCancelRequest(client as pg.Client);
      stream.resume();
      await finished(stream, { cleanup: true }).catch(() => {}); // Cancelled, as it was to be.
    }
  }
}

/**
 * The result of a query of one session into a table of another one, as it comes; how many rows. In binary form it costs less,
 * between columns of the very same types.
 */
export async function copyAcross(
  from: pg.ClientBase,
  query: string,
  to: pg.ClientBase,
  { table, columns }: CopyTarget,
  format: 'text' | 'binary' = 'text',
): Promise<number> {
  const target = to.query(
    copyStreams.from(`copy ${table} (${columns.join(', ')}) from stdin with (format ${format})`),
  );
  await pipeline(from.query(copyStreams.to(`copy (${query}) to stdout with (format ${format})`)), target);
  return target.rowCount;
}

function* pieces(rows: Iterable<readonly CopyValue[]>): Generator<string> {
  let piece = '';
  for (const row of rows) {
    piece += copyLine(row);
    if (piece.length >= pieceCharactersMin) {
      yield piece;
      piece = '';
    }
  }
  if (piece !== '') {
    yield piece;
  }
}

/** One line of the text format. https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2 */
export function copyLine(row: readonly CopyValue[]): string {
  let line = '';
  let tab = '';
  for (const value of row) {
    line += tab + copyField(value);
    tab = '\t';
  }
  return `${line}\n`;
}

function copyField(value: CopyValue): string {
  if (typeof value === 'string') {
    return escaped(value);
  }
  if (value === null) {
    return '\\N';
  }
  if (typeof value !== 'object') {
    return String(value);
  }
  return value instanceof Date ? value.toISOString() : escaped(JSON.stringify(value));
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

const escaped = (text: string): string =>
  /[\\\t\n\r]/.test(text) ? text.replace(/[\\\t\n\r]/g, (character) => escapes[character] ?? '') : text;
