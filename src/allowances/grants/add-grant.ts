import type pg from 'pg';
import { insertAuditEntry } from '../../audit/audit-entry-store.ts';
import { withTransaction } from '../../db/transaction.ts';
import { notFoundError, usageError } from '../../errors.ts';
import { quantityIn } from '../../values/quantity.ts';
import {
  insertGrant,
  type MeterAllowance,
  type NewGrant,
  selectMeter,
  selectMeterAllowances,
  selectMeterKeys,
} from './grant-store.ts';

/** A grant that nobody has given a reason for yet. */
export type PlannedGrant = Omit<NewGrant, 'reason'>;

export interface GrantPlan {
  grant: PlannedGrant;
  service: string;
  /** Of the meter. */
  unit: string;
  /** Null: the user has no plan for the service yet and gets the default one. */
  before: MeterAllowance | null;
  /** What the plan, or that default one, gives in a period; null: without limit. */
  limit: string | null;
}

/**
 * @param grant its quantity as it was typed
 * @throws notFoundError when there is no such meter; usageError when it does not count such a quantity
 */
export async function planGrant(client: pg.ClientBase, grant: PlannedGrant): Promise<GrantPlan> {
  const meter = await selectMeter(client, grant.meter);
  if (meter === undefined) {
    throw notFoundError(`no meter "${grant.meter}"`, {
      suggestion: `the meters are ${(await selectMeterKeys(client)).join(', ')}`,
    });
  }
  const quantity = quantityIn(meter.unit, grant.quantity);
  if (quantity === '0') {
    throw usageError('a grant of nothing is no grant', { suggestion: 'give an amount above zero, like 300' });
  }
  const [before] = await selectMeterAllowances(client, grant.userId, grant.meter);
  const { service, unit, defaultLimit } = meter;
  const limit = before === undefined ? defaultLimit : before.limit;
  return { grant: { ...grant, quantity }, service, unit, before: before ?? null, limit };
}

export interface AddedGrant {
  grantId: string;
  auditId: string;
  after: MeterAllowance | null;
}

/** Adds the grant with its audit row; what it lifts is lifted in the same transaction. */
export function addGrant(
  client: pg.ClientBase,
  { grant, service, before }: GrantPlan,
  reason: string,
): Promise<AddedGrant> {
  return withTransaction(client, async () => {
    const grantId = await insertGrant(client, { ...grant, reason });
    const [after] = await selectMeterAllowances(client, grant.userId, grant.meter);
    const { userId, ...given } = grant;
    const auditId = await insertAuditEntry(client, {
      action: 'grant.added',
      userId,
      service,
      subject: grant.meter,
      reason,
      before,
      after: { ...after, grantId, ...given },
    });
    return { grantId, auditId, after: after ?? null };
  });
}
