import type pg from 'pg';
import { insertAuditEntry } from '../../audit/audit-entry-store.ts';
import { withTransaction } from '../../db/transaction.ts';
import { notFoundError, refusedError, tryAgainError } from '../../errors.ts';
import { type MeterAllowance, selectMeterAllowances } from './grant-store.ts';
import { type GrantState, revokeGrant, selectGrants } from './revoke-store.ts';

export interface RevokePlan {
  grant: GrantState;
  /** Null: the user has no plan that counts the meter. */
  before: MeterAllowance | null;
}

/** @throws notFoundError when there is no such grant, refusedError when it has nothing left to take back */
export async function planRevoke(client: pg.ClientBase, id: string): Promise<RevokePlan> {
  const [grant] = await selectGrants(client, { id, limit: 1 });
  if (grant === undefined) {
    throw notFoundError(`no grant ${id}`, { suggestion: 'quota grants list tells their ids' });
  }
  if (grant.state !== 'live') {
    throw refusedError(`the grant ${id} is ${grant.state}: nothing of it is left to take back`, {
      detail: `it gave ${grant.given} of ${grant.quantity}`,
      suggestion: `quota grants list ${grant.user}`,
    });
  }
  const [before] = await selectMeterAllowances(client, grant.userId, grant.meter);
  return { grant, before: before ?? null };
}

export interface RevokedGrant {
  auditId: string;
  after: MeterAllowance | null;
}

/**
 * Takes back what is left of a grant, with its audit row; who is over the allowance then is limited in the same
 * transaction. What it gave stays given.
 * @throws tryAgainError when somebody else took it back in the meantime
 */
export function applyRevoke(
  client: pg.ClientBase,
  { grant, before }: RevokePlan,
  reason: string,
): Promise<RevokedGrant> {
  return withTransaction(client, async () => {
    if (!(await revokeGrant(client, grant.id, reason))) {
      throw tryAgainError(`the grant ${grant.id} was taken back by somebody else in the meantime`);
    }
    const [after] = await selectMeterAllowances(client, grant.userId, grant.meter);
    const auditId = await insertAuditEntry(client, {
      action: 'grant.revoked',
      userId: grant.userId,
      service: grant.service,
      subject: grant.meter,
      reason,
      before: { ...before, grantId: grant.id, quantity: grant.quantity, left: grant.left },
      after: { ...after, grantId: grant.id },
    });
    return { auditId, after: after ?? null };
  });
}
