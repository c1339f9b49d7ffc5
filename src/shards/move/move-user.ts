import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { insertAuditEntry } from '../../audit/audit-entry-store.ts';
import type { Shard } from '../../context.ts';
import { cancelOnAbort } from '../../db/cancel-on-abort.ts';
import { hasSqlstate } from '../../db/database-error.ts';
import { addCallKeysOf, dropCallKeysOf } from '../../db/partition/call-keys-store.ts';
import { sqlstates } from '../../db/sqlstate.ts';
import { withOwnCommit, withTransaction } from '../../db/transaction.ts';
import { refusedError, tryAgainError } from '../../errors.ts';
import { type ShardAccess, withShard } from '../former-shards.ts';
import {
  deleteArriving,
  forgetTotals,
  insertArriving,
  insertMoved,
  lockArriving,
  lockUser,
  packRows,
  selectHindrances,
  selectStaleDays,
  selectTableRows,
  settleArrival,
  type TableRows,
  type Travel,
  takeRows,
  unpackRows,
  withoutTriggers,
} from './move-store.ts';
import { type MovePlan, refuseHindrances } from './plan-move.ts';

export interface MoveTerms {
  reason: string;
  withSessions: boolean;
  /** Apps that write for the user wait no longer than this, in milliseconds. */
  holdMs: number;
}

export interface Arrival {
  tables: TableRows[];
  /** Of the row in the history of the destination. */
  auditId: string;
}

type Going = Extract<MovePlan, { kind: 'move' }>;

/**
 * Moves a user. Both databases commit for themselves, in an order in which nothing is lost and nobody is in two places:
 * 1. the source locks the user; who writes waits
 * 2. the destination commits the rows, packed: the user is not there, and is not made anew there
 * 3. both prepare their part in open transactions: the destination has unpacked and compared, the source has taken away
 *    what it gave, and written down where the user went
 * 4. the source commits, then the destination
 * Whoever is broken off before 4 leaves the user where they were; between its two commits the rows wait packed, and the
 * same command unpacks them.
 * @returns null: the user is not where they were
 * @throws refusedError where something at the destination is in the way; tryAgainError where it took too long
 */
export async function moveUser(
  access: ShardAccess,
  target: pg.Client,
  plan: Going,
  terms: MoveTerms,
): Promise<Arrival | null> {
  const hold = new AbortController();
  const timer = setTimeout(() => hold.abort(tooLongError(plan.user.externalId)), terms.holdMs);
  try {
    const letGo = () => {
      hold.signal.throwIfAborted();
      clearTimeout(timer);
    };
    const use = (source: pg.Client) =>
      cancelOnAbort(target, hold.signal, () => carry(source, target, plan, terms, letGo));
    return await withShard(access, plan.from, use, hold.signal);
  } catch (error) {
    throw hold.signal.aborted ? hold.signal.reason : error;
  } finally {
    clearTimeout(timer);
  }
}

const tooLongError = (user: string) =>
  tryAgainError(`moving ${user} took too long; nothing was changed`, {
    detail: 'apps that write for the user wait meanwhile',
    suggestion: 'try again at a quieter time, or let them wait longer with --hold',
  });

async function carry(
  source: pg.Client,
  target: pg.Client,
  { user, from, to }: Going,
  { reason, withSessions }: MoveTerms,
  onLetGo: () => void,
): Promise<Arrival | null> {
  const origin = { userId: user.id, externalId: user.externalId, moveId: randomUUID() };
  let isWaiting = false;
  let isLeaving = false;
  try {
    return await withOwnCommit(source, async (letGo) => {
      if (!(await lockUser(source, user.id))) {
        return null;
      }
      refuseHindrances(user, await selectHindrances(source, user.id), withSessions);
      const tables = await selectTableRows(source, user.id);
      await withTransaction(target, async () => {
        const staleDays = await selectStaleDays(source, user.id);
        await insertArriving(target, { ...origin, shard: from.name, number: from.number, tables, staleDays });
        for (const table of tables) {
          await packRows(source, target, user.id, table);
        }
      });
      isWaiting = true;
      return withTransaction(target, async () => {
        const arrival = await unpack(target, origin, reason);
        if (arrival === undefined) {
          throw tryAgainError(`somebody else moves ${user.externalId}, too`, {
            suggestion: 'run the same command again',
          });
        }
        await takeAway(source, { ...origin, shard: to.name, number: to.number }, tables, from, reason);
        onLetGo();
        isLeaving = true;
        await letGo();
        return arrival;
      });
    });
  } catch (error) {
    if (isWaiting && !isLeaving) {
      await deleteArriving(target, user.id).catch(() => {}); // Else a later move takes it away.
    }
    throw inTheWay(error, to);
  }
}

/** Takes away what has gone, if it is still the same, and writes down where to. */
async function takeAway(
  source: pg.Client,
  gone: Parameters<typeof insertMoved>[1],
  tables: readonly TableRows[],
  from: Shard,
  reason: string,
): Promise<void> {
  const { userId, shard, moveId } = gone;
  await insertAuditEntry(source, {
    action: 'user.moved',
    userId,
    subject: shard,
    reason,
    after: { shard, moveId },
  });
  await dropCallKeysOf(source, userId);
  await forgetTotals(source, userId);
  await withoutTriggers(source, async () => {
    for (const table of tables) {
      requireSame(table, await takeRows(source, userId, table), from);
    }
  });
  await insertMoved(source, gone);
}

/** Something that may be there once is there: another user's, or this one's from an earlier life. */
function inTheWay(error: unknown, to: Shard): unknown {
  if (!hasSqlstate(error, sqlstates.unique_violation)) {
    return error;
  }
  const { detail } = error as { detail?: string };
  return refusedError(`something of the user is in ${to.name} already`, {
    ...(detail !== undefined && { detail }),
    suggestion: 'quota shards finance --check finds what is in two shards',
    cause: error,
  });
}

function requireSame(
  { table, rows, digest }: TableRows,
  found: { rows: string; digest: string },
  { name }: Shard,
): void {
  if (found.rows !== rows || found.digest !== digest) {
    throw tryAgainError(`${table} of ${name} was written to meanwhile; nothing was changed`, {
      detail: `${found.rows} rows, not ${rows}`,
      suggestion: 'run the same command again',
    });
  }
}

/**
 * Puts what waits where it belongs, and holds it against what it was; in a transaction of the caller.
 * @returns undefined: nothing waits any more, somebody else has done it
 */
async function unpack(
  target: pg.Client,
  travel: Pick<Travel, 'userId' | 'moveId'>,
  reason: string,
): Promise<Arrival | undefined> {
  const { userId, moveId } = travel;
  const parcel = await lockArriving(target, travel);
  if (parcel === undefined) {
    return undefined;
  }
  const { tables, shard } = parcel;
  await withoutTriggers(target, async () => {
    for (const table of tables) {
      await unpackRows(target, userId, table);
    }
    const found = await selectTableRows(target, userId);
    for (const table of tables) {
      const same = found.find((own) => own.table === table.table);
      if (same?.rows !== table.rows || same.digest !== table.digest) {
        throw new Error(
          `what has come of ${table.table} is not what went: ${same?.rows} rows of ${table.rows}`,
        );
      }
    }
  });
  await addCallKeysOf(target, userId);
  await settleArrival(target, userId);
  const auditId = await insertAuditEntry(target, {
    action: 'user.moved',
    userId,
    subject: shard,
    reason,
    before: { shard, moveId },
  });
  return { tables, auditId };
}

/** Finishes a move whose source has let go. @returns null: somebody else has finished it */
export const finishMove = (
  target: pg.Client,
  { travel }: Extract<MovePlan, { kind: 'finish' }>,
  reason: string,
): Promise<Arrival | null> =>
  withTransaction(target, async () => (await unpack(target, travel, reason)) ?? null);

/** Takes away what waits in other shards of somebody who is here, and keeps moves of the user out meanwhile. */
export const clearStrays = (
  access: ShardAccess,
  home: pg.Client,
  { user, strays }: Extract<MovePlan, { kind: 'there' }>,
): Promise<void> =>
  withTransaction(home, async () => {
    if (await lockUser(home, user.id)) {
      for (const shard of strays) {
        await withShard(access, shard, (client) => deleteArriving(client, user.id));
      }
    }
  });
