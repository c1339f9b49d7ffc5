import type pg from 'pg';
import { insertAuditEntry } from '../audit/audit-entry-store.ts';
import { withTransaction } from '../db/transaction.ts';
import { eraseUserRows } from './privacy-store.ts';

/** Erases a user with its audit row, which names nobody. Returns the id of the audit row. */
export function eraseUser(client: pg.ClientBase, userId: string, reason: string): Promise<string> {
  return withTransaction(client, async () => {
    await eraseUserRows(client, userId);
    return insertAuditEntry(client, { action: 'user.erased', userId, reason });
  });
}
