import type pg from 'pg';
import { withTransaction } from '../../db/transaction.ts';
import type { AppDatabase } from './app-database.ts';
import { copyPiece } from './copy-rows-store.ts';
import { clearTold, lockStaging, noteStaged } from './told-store.ts';

/**
 * Copies the next piece of a source from its database to where the backfill reads it, one transaction: interrupted or
 * killed, the next one goes on behind it.
 */
export function stagePiece(
  client: pg.ClientBase,
  app: AppDatabase,
  id: number,
): Promise<{ rows: number; isDone: boolean }> {
  return withTransaction(client, async () => {
    const { reading, staged, stagedTo } = await lockStaging(client, id);
    if (staged === 'copied') {
      return { rows: 0, isDone: true };
    }
    if (staged === null) {
      await clearTold(client, id);
    }
    const { rows, last } = await copyPiece(client, app, reading, `quota_adopt.told_${id}`, stagedTo);
    await noteStaged(client, id, last === null ? 'copied' : 'copying', last);
    return { rows, isDone: last === null };
  });
}
