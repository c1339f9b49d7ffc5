import type pg from 'pg';
import { notFoundError, refusedError, usageError } from '../../errors.ts';
import type { MonthChoice, StoredReconciliation } from './stored-reconciliation.ts';
import { selectReconciliations } from './stored-reconciliation-store.ts';

/** @throws notFoundError, usageError where several providers have the month */
export async function findReconciliation(
  client: pg.ClientBase,
  choice: MonthChoice,
): Promise<StoredReconciliation> {
  if (choice.id === undefined && choice.month === undefined) {
    throw usageError('which month?', { suggestion: 'give --month 2026-10' });
  }
  const [found, ...others] = await selectReconciliations(client, choice);
  if (found === undefined) {
    const of = choice.provider === undefined ? '' : ` of ${choice.provider}`;
    throw notFoundError(`${choice.month ?? choice.id}${of} has not been reconciled`, {
      suggestion:
        'quota reconcile list shows the months that have, quota reconcile --month M --export FILE adds one',
    });
  }
  if (others.length > 0) {
    throw usageError(`${choice.month} has bills of several providers`, {
      detail: [found, ...others].map(({ provider }) => provider).join(', '),
      suggestion: `say which: --provider ${found.provider}`,
    });
  }
  return found;
}

/** The same for a change. @throws refusedError for a closed month, before anything is planned */
export async function findOpenReconciliation(
  client: pg.ClientBase,
  choice: MonthChoice,
): Promise<StoredReconciliation> {
  return requireOpen(await findReconciliation(client, choice));
}

/** @throws refusedError for a closed month */
export function requireOpen(found: StoredReconciliation): StoredReconciliation {
  if (found.closedAt !== null) {
    throw refusedError(`${found.month} of ${found.provider} is closed`, {
      detail: `closed by ${found.closedBy} at ${found.closedAt}`,
      suggestion: 'quota reconcile reopen, with a reason, opens it again',
    });
  }
  return found;
}
