import type pg from 'pg';
import { rollBack } from '../../db/transaction.ts';
import { literal, quoted } from '../expression.ts';
import { keptOf, rowsOf } from '../placed-rows-store.ts';
import type { PlacedSource } from '../row-expression.ts';
import type { AppDatabase } from './app-database.ts';
import { copyPiece } from './copy-rows-store.ts';
import type { FollowMarks } from './follow-marks.ts';
import { toldColumns, toldSource } from './reading.ts';
import type { RemoteReading } from './remote-reading.ts';

/** Runs `use` as of one moment of ours, in a transaction that is rolled back: what it copies is gone afterwards. */
export async function withCopies<T>(client: pg.ClientBase, use: () => Promise<T>): Promise<T> {
  await client.query('begin isolation level repeatable read');
  try {
    return await use();
  } finally {
    await rollBack(client);
  }
}

/** Whether a row is beyond what the last look has reached. */
const aheadOf = ({ follow }: RemoteReading, reached: string | null): string =>
  follow === null
    ? 'false'
    : reached === null
      ? 'true'
      : `coalesce((${follow.expression}) > ${literal(reached)}::${follow.type}, false)`;

/**
 * Copies the rows of calls in another database as they stand, and selects them as calls. One that has changed since the
 * last look is taken as it is counted; `kept` selects those that are gone, `behind` is how many of them are not counted at all yet.
 */
export async function copiedRows(
  client: pg.ClientBase,
  app: AppDatabase,
  id: number,
  placed: PlacedSource & { reading: RemoteReading },
): Promise<{ rows: string; kept: string; behind: number }> {
  const { reading } = placed;
  const { rows: states } = await client.query<{ followed: FollowMarks }>(
    'select followed from quota.adopt_sources where id = $1',
    [id],
  );
  const table = `pg_temp.adopt_rows_${id}`;
  const columns = { ...toldColumns(placed.source), is_ahead: 'boolean', fault: 'text' };
  await client.query(
    `create temp table adopt_rows_${id} (${Object.entries(columns)
      .map(([name, type]) => `${quoted(name)} ${type}`)
      .join(', ')})`,
  );
  const extended = {
    ...reading,
    columns: { ...reading.columns, is_ahead: aheadOf(reading, states[0]?.followed.reached ?? null) },
  };
  for (let last: string[] | null = null; ; ) {
    const piece = await copyPiece(client, app, extended, table, last);
    if (piece.last === null) {
      break;
    }
    last = piece.last;
  }
  await client.query(`analyze ${table}`);
  const told = toldSource(id, placed);
  const there = {
    ...told,
    table: { ...told.table, relation: `(select * from ${table} where not is_ahead)` },
  };
  const { rows: counts } = await client.query<{ behind: number }>(
    `select count(*)::integer as behind from ${table} t where t.is_ahead and t.is_there
       and not exists (select from quota.adopt_links l where l.source = $1 and l.key = t.key)`,
    [id],
  );
  return {
    rows: `${rowsOf(id, there, 'UTC')}\nunion all\n${asCounted(id, table)}`,
    kept: keptOf(id, { ...told, table: { ...told.table, relation: table } }),
    behind: counts[0]?.behind ?? 0,
  };
}

const asCounted = (id: number, table: string) => `
  select (row(l.key, true, u.external_id, g.service, g.provider, g.provider_call_id, g.assistant_id, g.model, g.status,
      g.started_at, g.ended_at, g.duration_seconds, g.messages, g.words_spoken, g.file_size_bytes, g.cost, g.error_message,
      g.quantities)::quota.adopted_call).*
  from ${table} t
  join quota.adopt_links l on l.source = ${id} and l.key = t.key
  join quota.call_logs g on g.id = l.call_log_id
  join quota.users u on u.id = g.user_id
  where t.is_ahead and not exists (select from quota.adopt_dead d where d.source = ${id} and d.key = t.key)`;
