import type pg from 'pg';
import { withTransaction } from './transaction.ts';

/**
 * After a large load autovacuum would come too late for the next query, and on a server that stops, never. `roughly` looks
 * at 3,000 rows of each table and not at 30,000: it tells how much there is of what, which is enough while more is loaded.
 */
export async function refreshStatistics(
  client: pg.ClientBase,
  tables: readonly string[],
  how: 'roughly' | 'well' = 'well',
): Promise<void> {
  const analyze = () => client.query(`analyze ${tables.join(', ')}`);
  if (how === 'well') {
    await analyze();
    return;
  }
  await withTransaction(client, async () => {
    await client.query('set local default_statistics_target = 10');
    await analyze();
  });
}
