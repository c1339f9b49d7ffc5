import type pg from 'pg';
import { insertAuditEntry } from '../audit/audit-entry-store.ts';
import { withTransaction } from '../db/transaction.ts';
import { usageError } from '../errors.ts';
import { eraseUserRows, namesUser } from './privacy-store.ts';

/**
 * Erases a user with its audit row, which names nobody. Returns the id of the audit row.
 * @param elsewhere takes the person out of other databases, before that is done here: what fails there can be repeated
 * @throws usageError for a reason with the name, the email or the id of the user: it stays
 */
export function eraseUser(
  client: pg.ClientBase,
  userId: string,
  reason: string,
  elsewhere: () => Promise<void>,
): Promise<string> {
  return withTransaction(client, async () => {
    if (await namesUser(client, userId, reason)) {
      throw usageError('the reason names the person who is to be erased, and it stays', {
        suggestion: 'say it without a name, as in --reason "request of 2026-11-20"',
      });
    }
    await elsewhere();
    await eraseUserRows(client, userId);
    return insertAuditEntry(client, { action: 'user.erased', userId, reason });
  });
}
