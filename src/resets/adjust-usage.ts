import type pg from 'pg';
import { withTransaction } from '../db/transaction.ts';
import { notFoundError, refusedError, usageError } from '../errors.ts';
import type { User } from '../users/user.ts';
import { negated, plainDecimal } from '../values/decimal-math.ts';
import { sumOf } from '../values/decimal-sum.ts';
import { durationText } from '../values/duration.ts';
import { quantityIn } from '../values/quantity.ts';
import {
  type AdjustableMeter,
  adjustUsage,
  type NewAdjustment,
  selectAdjustableMeters,
} from './adjust-store.ts';
import { lockSubscriptions } from './reset-store.ts';

/** A correction of one meter, by an amount as it was typed, or what resets took off, of one meter or of all. */
export type AdjustRequest =
  | { meter: string; amount: string; undoesReset: false }
  | { meter: string | undefined; undoesReset: true };

interface Standing {
  used: string;
  cost: string;
}

export interface PlannedAdjustment extends NewAdjustment {
  service: string;
  unit: AdjustableMeter['unit'];
  limit: string | null;
  before: Standing;
  after: Standing;
}

export interface AdjustPlan {
  user: User;
  meters: PlannedAdjustment[];
}

/**
 * Plans to correct what a user has used of the running periods.
 * @throws notFoundError when the user has no such meter; usageError for an amount that its unit does not take, or that
 * would leave less than nothing used; refusedError where the period is closed, or no reset is there to undo
 */
export async function planAdjust(
  client: pg.ClientBase,
  user: User,
  request: AdjustRequest,
): Promise<AdjustPlan> {
  const all = await selectAdjustableMeters(client, user.id);
  const chosen = all.filter(({ meter }) => request.meter === undefined || meter === request.meter);
  if (chosen.length === 0) {
    const known = all.map(({ meter }) => meter).join(', ');
    throw notFoundError(`${user.externalId} has no ${request.meter ?? 'meter'}`, {
      suggestion: known === '' ? 'the user has no subscription' : `the meters of the user are ${known}`,
    });
  }
  const meters = request.undoesReset
    ? undoneResets(user, chosen)
    : chosen.map((meter) => corrected(meter, request.amount));
  const closed = chosen.find(
    ({ meter, closedAt }) => closedAt !== null && meters.some((one) => one.meter === meter),
  );
  if (closed !== undefined) {
    throw refusedError(`the period of ${closed.meter} is closed since ${closed.closedAt}`, {
      detail: 'a reset has gone past it: what was used in it limits nobody any more',
      suggestion: 'give --as-of an instant of the period that runs now',
    });
  }
  return { user, meters };
}

function corrected(meter: AdjustableMeter, amount: string): PlannedAdjustment {
  const isLess = amount.startsWith('-');
  const unsigned = quantityIn(meter.unit, amount.replace(/^[-+]/, ''));
  if (Number(unsigned) === 0) {
    throw usageError('a correction by nothing is none', { suggestion: 'write it like -5m, +5m or -300' });
  }
  const planned = adjusted(meter, 'correction', isLess ? negated(unsigned) : unsigned, '0');
  if (planned.after.used.startsWith('-')) {
    throw usageError(`only ${usedText(meter)} of ${meter.meter} is used: no more can be taken off`, {
      suggestion: `quota user reset takes all of it off, quota user grant gives more than the plan`,
    });
  }
  return planned;
}

function undoneResets(user: User, chosen: readonly AdjustableMeter[]): PlannedAdjustment[] {
  const meters = chosen
    .filter(({ resetQuantity, resetCost }) => resetQuantity.startsWith('-') || resetCost.startsWith('-'))
    .map((meter) => adjusted(meter, 'undone', negated(meter.resetQuantity), negated(meter.resetCost)));
  if (meters.length === 0) {
    throw refusedError(`${user.externalId} has no reset to undo in the running period`, {
      detail: 'a reset of an earlier period limits nobody any more',
      suggestion: `quota user history ${user.externalId} tells what was reset`,
    });
  }
  return meters;
}

const adjusted = (
  { service, meter, unit, limit, used, cost: costBefore }: AdjustableMeter,
  kind: NewAdjustment['kind'],
  quantity: string,
  cost: string,
): PlannedAdjustment => ({
  ...{ service, meter, unit, limit, kind, quantity, cost },
  before: { used, cost: costBefore },
  after: { used: sumOf([used, quantity]), cost: sumOf([costBefore, cost]) },
});

/**
 * Corrects in one transaction, each meter with its audit row; planned anew under the lock.
 * @param agreed the plan that somebody saw and agreed to; null: agreed to whatever there is
 * @returns the ids of the audit rows; null, and nothing is changed, when that is no longer the plan
 * @throws as `planAdjust`
 */
export function applyAdjust(
  client: pg.ClientBase,
  user: User,
  order: { request: AdjustRequest; reason: string; agreed: AdjustPlan | null },
): Promise<{ plan: AdjustPlan; auditIds: string[] } | null> {
  return withTransaction(client, async () => {
    await lockSubscriptions(client, user.id);
    const plan = await planAdjust(client, user, order.request);
    if (order.agreed !== null && JSON.stringify(plan) !== JSON.stringify(order.agreed)) {
      return null;
    }
    const auditIds: string[] = [];
    for (const meter of plan.meters) {
      auditIds.push(await adjustUsage(client, user.id, meter, order.reason));
    }
    return { plan, auditIds };
  });
}

const usedText = ({ unit, used }: AdjustableMeter): string =>
  unit === 'second' ? durationText(plainDecimal(used)).replace(/\d$/, '$&s') : plainDecimal(used);
