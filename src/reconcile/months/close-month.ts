import type pg from 'pg';
import { insertAuditEntry } from '../../audit/audit-entry-store.ts';
import { withTransaction } from '../../db/transaction.ts';
import { refusedError } from '../../errors.ts';
import { type Answer, computeAnswer } from '../match/compute-answer.ts';
import { closeReconciliation, openReconciliation } from './reconciliation-store.ts';
import type { StoredReconciliation } from './stored-reconciliation.ts';

export interface CloseRequest {
  /** Close although discrepancies are open, or the answer has changed. */
  force: boolean;
  reason: string | undefined;
}

/**
 * Freezes a month, once its answer is the one that was looked at and nothing in it is open.
 * @throws refusedError
 */
export function closeMonth(
  client: pg.ClientBase,
  stored: StoredReconciliation,
  { force, reason }: CloseRequest,
): Promise<{ answer: Answer; auditId: string }> {
  const { provider, month } = stored;
  return withTransaction(client, async () => {
    const id = await openReconciliation(client, provider, month);
    const { answer, changed } = await computeAnswer(client, id);
    if (changed > 0 && !force) {
      throw refusedError(
        `the logs of ${month} have changed since it was last reconciled: ${changed} items differ`,
        {
          detail: 'nothing was changed',
          suggestion: `quota reconcile --month ${month} --provider ${provider}, then look at it again`,
        },
      );
    }
    const open = requireNothingOpen(stored, force);
    await closeReconciliation(client, id, reason);
    const auditId = await insertAuditEntry(client, {
      action: 'reconciliation.close',
      subject: `${provider} ${month}`,
      reason,
      after: { ...answer, open, forced: force },
    });
    return { answer, auditId };
  });
}

/** @throws refusedError where discrepancies are open, unless forced */
export function requireNothingOpen(
  { open, month, provider }: Pick<StoredReconciliation, 'open' | 'month' | 'provider'>,
  force: boolean,
): StoredReconciliation['open'] {
  const kinds = Object.entries(open);
  if (kinds.length > 0 && !force) {
    throw refusedError(`${month} of ${provider} has open discrepancies`, {
      detail: kinds.map(([kind, count]) => `${kind} ${count}`).join(', '),
      suggestion: 'resolve them with quota reconcile resolve, or close with --force --reason TEXT',
    });
  }
  return open;
}
