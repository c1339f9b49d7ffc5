import type pg from 'pg';
import { insertAuditEntry } from '../audit/audit-entry-store.ts';
import { withTransaction } from '../db/transaction.ts';
import { insertUsage, type RecordedUsage, type UsageEntry } from './record-store.ts';

/**
 * Records usage by hand, once per key, with its audit row.
 * @throws a server error of SQLSTATE QT001 to QT004
 */
export function recordUsage(
  client: pg.ClientBase,
  { userId, entry, reason }: { userId: string; entry: UsageEntry; reason: string | undefined },
): Promise<RecordedUsage> {
  return withTransaction(client, async () => {
    const recorded = await insertUsage(client, entry);
    if (recorded.recorded) {
      const { externalId: _, service, ...after } = entry;
      await insertAuditEntry(client, { action: 'usage.recorded', userId, service, reason, after });
    }
    return recorded;
  });
}
