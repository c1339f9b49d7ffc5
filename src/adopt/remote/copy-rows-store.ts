import type pg from 'pg';
import { copyAcross } from '../../db/copy.ts';
import { withSavepoint, withSnapshot } from '../../db/transaction.ts';
import { quoted } from '../expression.ts';
import type { AppDatabase } from './app-database.ts';
import { isOfRow, readByKey, selectPiece } from './read-rows-store.ts';
import type { RemoteReading } from './remote-reading.ts';

/** Rows of a piece: a transaction of each is short, and what is lost when it is killed little. */
const pieceRows = 200_000;
const pageRows = 500;

/**
 * Copies the next rows of a table in another database into one of ours, from server to server, within the transaction of
 * the caller. Where one of them cannot be read, they come by pages, and that one with its fault.
 * @param table has the columns of the reading, and `fault`
 */
export async function copyPiece(
  client: pg.ClientBase,
  app: AppDatabase,
  reading: RemoteReading,
  table: string,
  after: readonly string[] | null,
): Promise<{ rows: number; last: string[] | null }> {
  try {
    return await withSavepoint(client, () =>
      withSnapshot(app.client, async () => {
        const { last, select } = await selectPiece(app.client, reading, after, pieceRows);
        const columns = Object.keys(reading.columns).map(quoted);
        const rows = await copyAcross(app.client, select, client, { table, columns });
        return { rows, last };
      }),
    );
  } catch (error) {
    if (!isOfRow(error)) {
      throw error;
    }
  }
  let rows = 0;
  for (let last = after; ; ) {
    const page = await readByKey(app, reading, last, pageRows);
    await client.query(
      `insert into ${table} select t.* from jsonb_populate_recordset(null::${table}, $1::jsonb) t`,
      [`[${page.map(({ told }) => told).join(',')}]`],
    );
    rows += page.length;
    last = page.at(-1)?.key ?? last;
    if (page.length < pageRows) {
      return { rows, last: null };
    }
    if (rows >= pieceRows) {
      return { rows, last: last === null ? null : [...last] };
    }
  }
}
