import type pg from 'pg';
import { rollBack } from './transaction.ts';

/** Rows that `readRows` holds in memory at a time. */
const batchRows = 1000;
/** So many at first, then twice as many each time: whoever looks at a stream sees soon that it has begun. */
const firstRows = 25;
/** For the sets that lists are put together of: spilled to the disk, they take twice as long. */
const listMemory = '64MB';

/** The plan that is quick with all rows. */
const wholeAtOnce = 'set local cursor_tuple_fraction = 1';
/** Whatever plan has its first rows soonest, of what is put in order before it is looked at. */
const sortedFirst = 'set local cursor_tuple_fraction = 0.001';
/**
 * The plan that goes down an index in the order of the list, and works out what is said of a row when its turn comes:
 * what is put in order after all that is known has its first row when it has its last.
 */
const inTurn = `${sortedFirst}; set local enable_sort = off`;

const plans = { 'at once': wholeAtOnce, 'sorted first': sortedFirst, 'in turn': inTurn } as const;
type ReadingPlan = keyof typeof plans;

export interface Query {
  sql: string;
  values: readonly unknown[];
}

/**
 * The rows of a query as they come, in bounded memory and of one snapshot. The connection is busy until the last
 * row was taken or the loop over them was left. `in turn`: each row is dear, and there is an index in their order.
 */
export async function* readRows<Row extends pg.QueryResultRow>(
  client: pg.ClientBase,
  sql: string,
  values: readonly unknown[],
  plan: ReadingPlan = 'at once',
): AsyncGenerator<Row> {
  yield* readParts<Row>(client, [() => ({ sql, values })], plan);
}

/**
 * The same of one query after the other, all of one snapshot; each is made when its turn comes, of how many rows there
 * were before it.
 */
export async function* readParts<Row extends pg.QueryResultRow>(
  client: pg.ClientBase,
  parts: readonly ((rowsBefore: number) => Query)[],
  plan: ReadingPlan,
): AsyncGenerator<Row> {
  await client.query(
    `begin transaction ${parts.length > 1 ? 'isolation level repeatable read ' : ''}read only`,
  );
  try {
    await client.query(`${plans[plan]}; set local work_mem = '${listMemory}'`);
    let rowsBefore = 0;
    for (const part of parts) {
      const { sql, values } = part(rowsBefore);
      for await (const rows of readBatches<Row>(client, sql, values, batchRows)) {
        rowsBefore += rows.length;
        yield* rows;
      }
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
  for (let wanted = Math.min(firstRows, rowsMax); ; wanted = Math.min(wanted * 2, rowsMax)) {
    const { rows } = await client.query<Row>(`fetch ${wanted} from read_batches`);
    if (rows.length > 0) {
      yield rows;
    }
    if (rows.length < wanted) {
      break;
    }
  }
  await client.query('close read_batches');
}
