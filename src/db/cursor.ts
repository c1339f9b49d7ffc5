import type pg from 'pg';

/** Rows that are held in memory at a time. */
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
    await client.query(`declare read_rows no scroll cursor for ${sql}`, [...values]);
    for (;;) {
      const { rows } = await client.query<Row>(`fetch ${batchRows} from read_rows`);
      yield* rows;
      if (rows.length < batchRows) {
        return;
      }
    }
  } finally {
    await endTransaction(client);
  }
}

/** On a broken connection the server has ended it. */
async function endTransaction(client: pg.ClientBase): Promise<void> {
  try {
    await client.query('rollback');
  } catch {}
}
