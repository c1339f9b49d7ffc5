import type pg from 'pg';
import { type AuditEntry, insertAuditEntry } from '../audit/audit-entry-store.ts';
import { withTransaction } from '../db/transaction.ts';
import { notFoundError, refusedError } from '../errors.ts';
import type { QuotaState, QuotaUsage } from '../usage/usage.ts';
import type { User } from '../users/user.ts';
import {
  insertResets,
  liftLimits,
  lockSubscriptions,
  type ResettableMeter,
  selectLimitedAssistants,
  selectResettableMeters,
} from './reset-store.ts';

/** What is to be reset. Both empty: every meter that the user has. */
export interface ResetScope {
  services: readonly string[];
  meters: readonly string[];
}

interface Standing {
  used: string;
  cost: string;
  state: QuotaState;
}

export interface MeterReset {
  service: string;
  meter: string;
  unit: QuotaUsage['unit'];
  limit: string | null;
  before: Standing;
  after: Standing;
}

/** What a reset would do; nothing of it is done yet. */
export interface ResetPlan {
  user: User;
  /** Meters of which something is used. */
  meters: MeterReset[];
  /** Services whose limit on assistants is lifted. */
  lifted: string[];
  /** Assistants whose restore is queued. */
  assistants: { id: string; providerAssistantId: string }[];
}

export const isNothing = ({ meters, lifted, assistants }: ResetPlan): boolean =>
  meters.length + lifted.length + assistants.length === 0;

/**
 * Plans to set what a user has used of the running periods back to nothing, and to lift the limits that came of it.
 * @throws notFoundError when the user has no such service or meter; refusedError when a period is closed.
 */
export async function planReset(client: pg.ClientBase, user: User, scope: ResetScope): Promise<ResetPlan> {
  const all = await selectResettableMeters(client, user.id);
  const chosen = chooseMeters(user, all, scope);
  const freed = freedServices(all, chosen);
  // A limit of another service holds the assistants of the user.
  const isHeld = all.some(
    ({ service, limitEnforcedAt }) => limitEnforcedAt !== null && !freed.includes(service),
  );
  const assistants = freed.length > 0 && !isHeld ? await selectLimitedAssistants(client, user.id) : [];
  const isLimited = (name: string) =>
    all.some(({ service, limitEnforcedAt }) => service === name && limitEnforcedAt !== null);
  return {
    user,
    meters: chosen.filter(isUsed).map(meterReset),
    lifted: freed.filter((service) => isLimited(service) || assistants.length > 0),
    assistants,
  };
}

/** Services with meters that limit assistants, of which none would be exceeded after the reset. */
function freedServices(all: readonly ResettableMeter[], chosen: readonly ResettableMeter[]): string[] {
  const limiting = all.filter(({ onExceeded }) => onExceeded === 'limit_assistants');
  const services = new Set(limiting.filter((meter) => chosen.includes(meter)).map(({ service }) => service));
  const isExceeded = (meter: ResettableMeter) =>
    chosen.includes(meter) ? meter.exceededAfter : meter.state === 'exceeded';
  return [...services].filter(
    (name) => !limiting.some((meter) => meter.service === name && isExceeded(meter)),
  );
}

function chooseMeters(
  user: User,
  all: ResettableMeter[],
  { services, meters }: ResetScope,
): ResettableMeter[] {
  const missing = [
    ...services.filter((service) => !all.some((meter) => meter.service === service)),
    ...meters.filter((name) => !all.some(({ meter }) => meter === name)),
  ];
  if (missing.length > 0) {
    const known = all.map(({ service, meter }) => `${meter} (${service})`).join(', ');
    throw notFoundError(`${user.externalId} has no ${missing.map((name) => `"${name}"`).join(' and no ')}`, {
      suggestion: known === '' ? 'the user has no subscription' : `the meters of the user are ${known}`,
    });
  }
  const chosen = all.filter(
    ({ service, meter }) =>
      services.length + meters.length === 0 || services.includes(service) || meters.includes(meter),
  );
  const closed = chosen.find((meter) => isUsed(meter) && meter.closedAt !== null);
  if (closed !== undefined) {
    throw refusedError(`the period of ${closed.meter} is closed since ${closed.closedAt?.toISOString()}`, {
      detail: 'a reset has gone past it: what was used in it limits nobody any more',
      suggestion: 'give --as-of an instant of the period that runs now',
    });
  }
  return chosen;
}

const isUsed = ({ used, cost }: ResettableMeter) => isPositive(used) || isPositive(cost);
const isPositive = (decimal: string) => Number(decimal) > 0;

function meterReset({
  service,
  meter,
  unit,
  limit,
  used,
  cost,
  state,
  exceededAfter,
}: ResettableMeter): MeterReset {
  return {
    service,
    meter,
    unit,
    limit,
    before: { used, cost, state },
    after: {
      used: isPositive(used) ? '0.000' : used,
      cost: isPositive(cost) ? '0' : cost,
      state: exceededAfter ? 'exceeded' : 'ok',
    },
  };
}

/** Why, and which plan was agreed to. */
export interface ResetOrder {
  scope: ResetScope;
  reason: string;
  /** The plan that somebody saw and agreed to; null: agreed to whatever there is to reset. */
  agreed: ResetPlan | null;
}

export interface AppliedReset {
  plan: ResetPlan;
  auditId: string | null;
}

/**
 * Resets in one transaction, with its audit row; writers of the user wait for it. What is reset is planned anew
 * under the lock.
 * @returns null, and nothing is changed, when that is no longer the plan that was agreed to.
 * @throws refusedError where a period was closed meanwhile
 */
export async function applyReset(
  client: pg.ClientBase,
  user: User,
  { scope, reason, agreed }: ResetOrder,
): Promise<AppliedReset | null> {
  return withTransaction(client, async () => {
    await lockSubscriptions(client, user.id);
    const plan = await planReset(client, user, scope);
    if (agreed !== null && JSON.stringify(plan) !== JSON.stringify(agreed)) {
      return null;
    }
    if (isNothing(plan)) {
      return { plan, auditId: null };
    }
    await insertResets(
      client,
      user.id,
      plan.meters.map(({ meter }) => meter),
      reason,
    );
    if (plan.lifted.length > 0) {
      await liftLimits(client, user.id, plan.lifted);
    }
    return { plan, auditId: await insertAuditEntry(client, auditOf(plan, reason)) };
  });
}

function auditOf({ user, meters, lifted, assistants }: ResetPlan, reason: string): AuditEntry {
  const services = [...new Set([...meters.map(({ service }) => service), ...lifted])];
  return {
    action: 'usage.reset',
    userId: user.id,
    service: services.length === 1 ? services[0] : undefined,
    subject: meters.map(({ meter }) => meter).join(', ') || 'limits',
    reason,
    before: { meters: meters.map(({ meter, before }) => ({ meter, ...before })), limited: lifted },
    after: {
      meters: meters.map(({ meter, after }) => ({ meter, ...after })),
      restoring: assistants.map(({ providerAssistantId }) => providerAssistantId),
    },
  };
}
