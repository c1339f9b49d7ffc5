import type pg from 'pg';
import { withSnapshot } from '../../db/transaction.ts';
import { quoted } from '../expression.ts';
import type { PlacedSource } from '../row-expression.ts';
import { rowFunctions } from '../source-functions-store.ts';
import type { AppDatabase } from './app-database.ts';
import { type FollowMarks, idsBefore } from './follow-marks.ts';
import { toldColumns, toldSource } from './reading.ts';
import type { RemoteReading } from './remote-reading.ts';

/** Makes the table in which rows of a source are told, and the functions that take them over from there. */
export async function installTold(client: pg.ClientBase, id: number, placed: PlacedSource): Promise<void> {
  const columns = Object.entries(toldColumns(placed.source)).map(([name, type]) => `${quoted(name)} ${type}`);
  const statements = [
    `create table quota_adopt.told_${id} (${columns.join(', ')}, fault text)`,
    `create index on quota_adopt.told_${id} (key)`,
    ...rowFunctions(id, toldSource(id, placed), 'UTC'),
    'revoke all on all functions in schema quota_adopt from public',
  ];
  for (const statement of statements) {
    await client.query(statement);
  }
}

/**
 * Where following begins: at what is there now, less what may become visible later. Rows that are there are for the
 * backfill.
 */
export async function selectFirstMarks(app: AppDatabase, reading: RemoteReading): Promise<FollowMarks> {
  const { follow, relation, lookBackMinutes } = reading;
  return withSnapshot(app.client, async () => {
    const at =
      follow === null
        ? 'null'
        : follow.now === null
          ? `max(${follow.expression}) - ${idsBefore}`
          : `least(max(${follow.expression}), ${follow.now}) - interval '${lookBackMinutes} minutes'`;
    const { rows } = await app.client.query<{ seen: string; at: string | null }>(
      `select now()::text as seen, (select (${at})::text ${follow === null ? '' : `from ${relation} r`}) as at`,
    );
    const { seen, at: first } = rows[0] ?? { seen: '', at: null };
    return { seen, reached: first, marks: [{ seen, at: first }], look: null };
  });
}

/** How far the copy of a source is. Held until the transaction ends. */
export async function lockStaging(
  client: pg.ClientBase,
  id: number,
): Promise<{ reading: RemoteReading; staged: 'copying' | 'copied' | null; stagedTo: string[] | null }> {
  const { rows } = await client.query<{
    reading: RemoteReading;
    staged: 'copying' | 'copied' | null;
    stagedTo: string[] | null;
  }>(
    `select reading, staged, staged_to as "stagedTo" from quota.adopt_sources where id = $1 for no key update`,
    [id],
  );
  const [row] = rows;
  if (row === undefined) {
    throw new Error(`there is no source ${id}`);
  }
  return row;
}

/** Nothing of it is copied yet. */
export async function clearTold(client: pg.ClientBase, id: number): Promise<void> {
  await client.query(`truncate quota_adopt.told_${id}`);
}

export async function noteStaged(
  client: pg.ClientBase,
  id: number,
  staged: 'copying' | 'copied',
  stagedTo: readonly string[] | null,
): Promise<void> {
  await client.query('update quota.adopt_sources set staged = $2, staged_to = $3 where id = $1', [
    id,
    staged,
    stagedTo === null ? null : JSON.stringify(stagedTo),
  ]);
  if (staged === 'copied') {
    await client.query(`analyze quota_adopt.told_${id}`);
  }
}

/** The backfill is through: from now on rows are told as they change. */
export async function endStaging(client: pg.ClientBase, id: number): Promise<void> {
  await client.query('select quota.end_staging($1)', [id]);
}
