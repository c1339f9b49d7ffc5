import type pg from 'pg';
import { isServerError } from '../../db/database-error.ts';
import { withSavepoint, withSnapshot } from '../../db/transaction.ts';
import { literal, quoted } from '../expression.ts';
import type { AppDatabase } from './app-database.ts';
import type { RemoteReading } from './remote-reading.ts';

/** A row as it was read in the other database, and where it stands there. */
export interface ToldRow {
  /** JSON, of the columns in which it is told; `fault` is why it could not be read. */
  told: string;
  /** What it is followed by, as text. */
  at: string | null;
  /** The same, but never later than now. */
  mark: string | null;
  /** The columns of its key, as text. */
  key: string[];
}

/** Which rows, in which order. */
export interface RowsWanted {
  /** SQL over the row `r`. */
  where: string;
  values: readonly unknown[];
  order: string;
  limit: number;
}

const keyOrder = ({ key }: RemoteReading) => key.map(({ expression }) => expression).join(', ');

/** The row of an exact key, by the values of its columns from `$first` on. */
const ofKey = (reading: RemoteReading, first: number) =>
  `(${keyOrder(reading)}) = (${reading.key.map(({ type }, index) => `$${first + index}::${type}`).join(', ')})`;

const place = ({ follow, key }: RemoteReading) => {
  const at = follow === null ? 'null' : `(${follow.expression})`;
  const mark = follow === null || follow.now === null ? at : `least(${at}, ${follow.now})`;
  return `${at}::text as at, ${mark}::text as mark,
    array[${key.map(({ expression }) => `${expression}::text`).join(', ')}] as key`;
};

const toldColumnsOf = ({ columns }: RemoteReading) =>
  Object.entries(columns)
    .map(([name, expression]) => `${expression} as ${quoted(name)}`)
    .join(', ');

const readingSql = (reading: RemoteReading, where: string) =>
  `select to_json(t)::text as told, ${place(reading)}
   from ${reading.relation} r cross join lateral (select ${toldColumnsOf(reading)}) t where ${where}`;

/** Whether it is the content of a row that the server could not read, and not the question. */
export const isOfRow = (error: unknown): boolean =>
  isServerError(error) && ['21', '22', 'P0'].includes((error.code ?? '').slice(0, 2));

/** Reads rows; where one of them cannot be read, each by itself, so that it keeps no other back. */
export async function readRows(
  { client }: AppDatabase,
  reading: RemoteReading,
  { where, values, order, limit }: RowsWanted,
): Promise<ToldRow[]> {
  const rest = `order by ${order} limit ${limit}`;
  try {
    return await withSnapshot(client, async () => {
      const { rows } = await client.query<ToldRow>(`${readingSql(reading, where)} ${rest}`, [...values]);
      return rows;
    });
  } catch (error) {
    if (!isOfRow(error)) {
      throw error;
    }
  }
  return withSnapshot(client, async () => {
    const { rows } = await client.query<ToldRow & { name: string }>(
      `select ${reading.columns.key} as name, ${place(reading)} from ${reading.relation} r where ${where} ${rest}`,
      [...values],
    );
    const read: ToldRow[] = [];
    for (const row of rows) {
      read.push(...(await readOne(client, reading, row)));
    }
    return read;
  });
}

async function readOne(
  client: pg.ClientBase,
  reading: RemoteReading,
  { name, ...row }: ToldRow & { name: string },
): Promise<ToldRow[]> {
  try {
    const { rows } = await withSavepoint(client, () =>
      client.query<ToldRow>(readingSql(reading, ofKey(reading, 1)), row.key),
    );
    return rows;
  } catch (error) {
    if (!isOfRow(error)) {
      throw error;
    }
    const { message } = error as Error;
    return [{ ...row, told: JSON.stringify({ key: name, is_there: true, fault: message.slice(0, 500) }) }];
  }
}

/** The next rows in the order of the key. */
export const readByKey = (
  app: AppDatabase,
  reading: RemoteReading,
  after: readonly string[] | null,
  limit: number,
): Promise<ToldRow[]> =>
  readRows(app, reading, {
    where:
      after === null
        ? 'true'
        : `(${keyOrder(reading)}) > (${reading.key.map(({ type }, index) => `$${index + 1}::${type}`).join(', ')})`,
    values: after ?? [],
    order: keyOrder(reading),
    limit,
  });

/** Rows by their keys as quota keeps them; those that are gone are not among them. */
export const readKeys = (
  app: AppDatabase,
  reading: RemoteReading,
  keys: readonly string[],
): Promise<ToldRow[]> => {
  const parts = keys.map((key) => (reading.key.length === 1 ? [key] : (JSON.parse(key) as string[])));
  const names = reading.key.map((_, index) => `k${index}`);
  return readRows(app, reading, {
    where: `(${keyOrder(reading)}) in (
      select ${reading.key.map(({ type }, index) => `k.k${index}::${type}`).join(', ')}
      from unnest(${names.map((_, index) => `$${index + 1}::text[]`).join(', ')}) k(${names.join(', ')}))`,
    values: names.map((_, index) => parts.map((part) => part[index])),
    order: keyOrder(reading),
    limit: keys.length,
  });
};

/**
 * The key of the last of so many rows from one on, and what selects them, in the order of the key; null: they are the
 * last ones. Within a transaction of the caller.
 */
export async function selectPiece(
  client: pg.ClientBase,
  reading: RemoteReading,
  after: readonly string[] | null,
  size: number,
): Promise<{ last: string[] | null; select: string }> {
  const order = keyOrder(reading);
  const literals = (key: readonly string[]) =>
    reading.key.map(({ type }, index) => `${literal(key[index] ?? '')}::${type}`).join(', ');
  const from = after === null ? 'true' : `(${order}) > (${literals(after)})`;
  const { rows } = await client.query<{ key: string[] }>(
    `select array[${reading.key.map(({ expression }) => `${expression}::text`).join(', ')}] as key
     from ${reading.relation} r where ${from} order by ${order} offset ${size - 1} limit 1`,
  );
  const last = rows[0]?.key ?? null;
  const to = last === null ? 'true' : `(${order}) <= (${literals(last)})`;
  return {
    last,
    select: `select ${Object.values(reading.columns).join(', ')} from ${reading.relation} r where ${from} and ${to}`,
  };
}
