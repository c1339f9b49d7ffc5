import type pg from 'pg';
import { withTransaction } from '../../db/transaction.ts';
import type { AppDatabase } from './app-database.ts';
import { beginLook, type FollowMarks, type Position, withMark } from './follow-marks.ts';
import {
  claimSource,
  dropUnread,
  noteFollowed,
  selectClock,
  selectUnread,
  takeTold,
  tellRows,
} from './follow-store.ts';
import { readByKey, readKeys, readRows, type ToldRow } from './read-rows-store.ts';
import type { RemoteReading } from './remote-reading.ts';

/** What another database did not answer. */
export class SourceFault extends Error {}

async function fromSource<T>(use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    throw new SourceFault((error as Error).message, { cause: error });
  }
}

/** Rows that were read, and whether all that there are were. */
export interface Look {
  rows: number;
  isThrough: boolean;
}

/** Rows that could not be read before are read again so many at a time. */
const unreadMax = 200;

/**
 * Reads the next rows that have changed in another database, and takes them over, within the transaction of the caller:
 * what was read is noted with it. Null: somebody else is at it.
 * @throws SourceFault where the other database does not answer, or does not like the question
 */
export async function lookAt(
  client: pg.ClientBase,
  app: AppDatabase,
  id: number,
  pageRows: number,
): Promise<Look | null> {
  const claimed = await claimSource(client, id);
  if (claimed === null) {
    return null;
  }
  const { reading, followed } = claimed;
  return reading.follow === null
    ? lookAtWhole(client, app, { id, reading, followed }, pageRows)
    : lookAtPage(client, app, { id, reading, followed }, pageRows);
}

interface Claimed {
  id: number;
  reading: RemoteReading;
  followed: FollowMarks;
}

async function lookAtWhole(
  client: pg.ClientBase,
  app: AppDatabase,
  { id, reading, followed }: Claimed,
  pageRows: number,
): Promise<Look> {
  let rows = 0;
  for (let page: ToldRow[] = []; ; ) {
    const after = page.at(-1)?.key ?? null;
    page = await fromSource(() => readByKey(app, reading, after, pageRows));
    await tellRows(client, id, page);
    rows += page.length;
    if (page.length < pageRows) {
      break;
    }
  }
  await takeTold(client, id, { isWhole: true });
  await noteFollowed(client, id, followed, { rows, isThrough: true });
  return { rows, isThrough: true };
}

async function lookAtPage(
  client: pg.ClientBase,
  app: AppDatabase,
  { id, reading, followed }: Claimed,
  pageRows: number,
): Promise<Look> {
  const { lookBackMinutes } = reading;
  const seen = await fromSource(() => selectClock(app.client));
  const look = followed.look ?? beginLook(followed, seen, lookBackMinutes);
  const unread = followed.look === null ? await readUnread(client, app, id, reading) : [];
  const page = await fromSource(() => readPage(app, reading, look, pageRows));
  const isOfPage = new Set(page.map(({ key }) => JSON.stringify(key)));
  await tellRows(client, id, [...unread.filter(({ key }) => !isOfPage.has(JSON.stringify(key))), ...page]);
  await takeTold(client, id, { isWhole: false });
  const last = page.at(-1);
  const isThrough = page.length < pageRows;
  const reached = last?.mark ?? look.position?.at ?? followed.reached;
  const marked = withMark(followed, { seen, at: reached }, lookBackMinutes);
  const position: Position | null = last === undefined ? null : { at: last.at ?? '', key: last.key };
  await noteFollowed(
    client,
    id,
    isThrough ? { ...marked, seen: look.seen, look: null } : { ...marked, look: { ...look, position } },
    { rows: page.length, isThrough },
  );
  return { rows: page.length, isThrough };
}

function readPage(
  app: AppDatabase,
  reading: RemoteReading,
  { from, position }: NonNullable<FollowMarks['look']>,
  limit: number,
): Promise<ToldRow[]> {
  const { expression = '', type = '' } = reading.follow ?? {};
  const order = [`(${expression})`, ...reading.key.map((key) => key.expression)].join(', ');
  const after = reading.key.map((key, index) => `$${index + 2}::${key.type}`).join(', ');
  return readRows(app, reading, {
    where:
      position !== null
        ? `(${expression}) >= $1::${type} and (${order}) > ($1::${type}, ${after})`
        : from === null
          ? `(${expression}) is not null`
          : `(${expression}) >= $1::${type}`,
    values: position !== null ? [position.at, ...position.key] : from === null ? [] : [from],
    order,
    limit,
  });
}

async function readUnread(
  client: pg.ClientBase,
  app: AppDatabase,
  id: number,
  reading: RemoteReading,
): Promise<ToldRow[]> {
  const keys = await selectUnread(client, id, unreadMax);
  if (keys.length === 0) {
    return [];
  }
  const rows = await fromSource(() => readKeys(app, reading, keys));
  const there = new Set(rows.map(({ told }) => (JSON.parse(told) as { key: string }).key));
  const gone = keys.filter((key) => !there.has(key));
  if (gone.length > 0) {
    await dropUnread(client, id, gone);
  }
  return rows;
}

/**
 * Follows sources until a look is through each of them; rows that were read.
 * @throws SourceFault
 */
export async function catchUp(
  client: pg.ClientBase,
  app: AppDatabase,
  ids: readonly number[],
  { pageRows, signal }: { pageRows: number; signal: AbortSignal },
): Promise<number> {
  let rows = 0;
  for (const id of ids) {
    for (let isThrough = false; !isThrough && !signal.aborted; ) {
      const look = await withTransaction(client, () => lookAt(client, app, id, pageRows));
      rows += look?.rows ?? 0;
      isThrough = look === null || look.isThrough;
    }
  }
  return rows;
}
