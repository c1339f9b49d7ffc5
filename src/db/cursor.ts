import type pg from 'pg';
import { rollBack } from './transaction.ts';

/** Rows that `readRows` holds in memory at a time. */
const batchRows = 1000;

/**
 * The rows of a query as they come, in bounded memory and of one snapshot. The connection is busy until the last
 * row was taken or the loop over them was left.
 */
export async function* readRows<Row extends pg.QueryResultRow>(
  client: pg.ClientBase,
  sql: string,
  values: readonly unknown[],
): AsyncGenerator<Row> {
  await client.query('begin transaction read only');
  try {
    // All rows will be read: not the plan that is quick with the first tenth of them.
    await client.query('set local cursor_tuple_fraction = 1');
    for await (const rows of readBatches<Row>(client, sql, values, batchRows)) {
      yield* rows;
    }
  } finally {
    await rollBack(client);
  }
}

/** The rows of a query, so many at a time, in the transaction that is open; other statements may run in between. */
export async function* readBatches<Row extends pg.QueryResultRow>(
  client: pg.ClientBase,
  sql: string,
  values: readonly unknown[],
  rowsMax: number,
): AsyncGenerator<Row[], void, undefined> {
  await client.query(`declare read_batches no scroll cursor for ${sql}`, [...values]);
  for (;;) {
    const { rows } = await client.query<Row>(`fetch ${rowsMax} from read_batches`);
    if (rows.length > 0) {
      yield rows;
    }
    if (rows.length < rowsMax) {
      break;
    }
  }
  await client.query('close read_batches');
}
