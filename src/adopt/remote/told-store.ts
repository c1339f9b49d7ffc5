import type pg from 'pg';
import { withSnapshot } from '../../db/transaction.ts';
import { quoted } from '../expression.ts';
import type { PlacedSource } from '../row-expression.ts';
import { rowFunctions } from '../source-functions-store.ts';
import { areInstalled, installFunctions } from '../source-installation-store.ts';
import type { AppDatabase } from './app-database.ts';
import { type FollowMarks, idsBefore } from './follow-marks.ts';
import { toldColumns, toldSource } from './reading.ts';
import type { RemoteReading } from './remote-reading.ts';

/** A source with how it is read, where that is known: it takes a look at its database. */
export type ToldSource = Pick<PlacedSource, 'source' | 'reading'>;

const functionsOf = (id: number, placed: ToldSource) =>
  rowFunctions(id, toldSource(id, placed), 'UTC', { areWritten: false });
const markedTake = (id: number) => `quota_adopt.source_${id}_take(text[])`;

/** Makes the table in which rows of a source are told, and the functions that take them over from there. */
export async function installTold(client: pg.ClientBase, id: number, placed: ToldSource): Promise<void> {
  const columns = Object.entries(toldColumns(placed.source)).map(([name, type]) => `${quoted(name)} ${type}`);
  await client.query(`create table quota_adopt.told_${id} (${columns.join(', ')}, fault text)`);
  await client.query(`create index on quota_adopt.told_${id} (key)`);
  await installFunctions(client, id, functionsOf(id, placed), markedTake(id));
}

/** Makes the functions of a source anew, and has its rows read as this version reads them. */
export async function renewTold(client: pg.ClientBase, id: number, placed: ToldSource): Promise<void> {
  await installFunctions(client, id, functionsOf(id, placed), markedTake(id));
  if (placed.reading !== undefined) {
    await client.query('update quota.adopt_sources set reading = $2 where id = $1', [
      id,
      JSON.stringify(placed.reading),
    ]);
  }
}

/** Whether a source is told and read as this version does. */
export async function isToldInstalled(
  client: pg.ClientBase,
  id: number,
  placed: ToldSource,
): Promise<boolean> {
  const { rows } = await client.query<{ same: boolean }>(
    'select $2::jsonb is null or reading = $2 as same from quota.adopt_sources where id = $1',
    [id, placed.reading === undefined ? null : JSON.stringify(placed.reading)],
  );
  return rows[0]?.same === true && (await areInstalled(client, functionsOf(id, placed), markedTake(id)));
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
