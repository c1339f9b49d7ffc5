import type pg from 'pg';
import { withTransaction } from '../../db/transaction.ts';
import { tryAgainError, usageError } from '../../errors.ts';
import type { User } from '../../users/user.ts';
import { readMoney, readQuantity } from '../files/plan-fields.ts';
import type { MeterDefinition } from '../meters/meter.ts';
import { selectMeters } from '../meters/meter-store.ts';
import { findPlan } from './find-plan.ts';
import {
  type CurrentPlan,
  type CustomLimit,
  changePlan,
  type MeterTerms,
  replaceCustomLimits,
  selectCurrentPlan,
  selectCustomLimits,
  selectMeterTerms,
  selectPlannedTerms,
} from './set-plan-store.ts';

/** As typed: `METER=QUANTITY`, quantities as in plan files. */
export interface CustomLimitTexts {
  limits: readonly string[];
  costLimits: readonly string[];
}

/** What putting a user on a plan changes. */
export interface SetPlanPlan {
  service: string;
  before: CurrentPlan | null;
  plan: string;
  customBefore: CustomLimit[];
  customAfter: CustomLimit[];
  /** The meters of the running periods; `after` as the plan and the custom limits make them. */
  metersBefore: MeterTerms[];
  metersAfter: MeterTerms[];
  /** Whether there is nothing to change. */
  isSame: boolean;
}

/** @throws notFoundError (no such plan), usageError (a custom limit that cannot be) */
export async function planSetPlan(
  client: pg.ClientBase,
  user: User,
  planKey: string,
  texts: CustomLimitTexts,
): Promise<SetPlanPlan> {
  const { definition } = await findPlan(client, planKey);
  const { service } = definition;
  const limited = definition.limits.map(({ meter }) => meter);
  const meters = (await selectMeters(client)).filter(({ key }) => limited.includes(key));
  const customAfter = readCustomLimits(texts, meters, planKey);
  const before = (await selectCurrentPlan(client, user.id, service)) ?? null;
  const customBefore = await selectCustomLimits(client, user.id, planKey);
  const metersAfter = (await selectPlannedTerms(client, user.id, planKey)).map((terms) => {
    const custom = customAfter.find(({ meter }) => meter === terms.meter);
    return {
      ...terms,
      limit: custom?.limit ?? terms.limit,
      costLimit: custom?.costLimit ?? terms.costLimit,
    };
  });
  return {
    service,
    before,
    plan: planKey,
    customBefore,
    customAfter,
    metersBefore: await selectMeterTerms(client, user.id, service),
    metersAfter,
    isSame: before?.plan === planKey && JSON.stringify(customBefore) === JSON.stringify(customAfter),
  };
}

function readCustomLimits(
  texts: CustomLimitTexts,
  meters: readonly MeterDefinition[],
  plan: string,
): CustomLimit[] {
  const limits = new Map<string, CustomLimit>();
  const read = (text: string, field: 'limit' | 'costLimit', flag: string) => {
    const [name = '', value = ''] = text.split(/=(.*)/s);
    const meter = meters.find(({ key }) => key === name.trim());
    if (meter === undefined) {
      throw usageError(`${flag}: the plan "${plan}" has no meter "${name}"`, {
        suggestion: `write it like ${flag} ${meters[0]?.key ?? 'voice_seconds'}=600; its meters are ${meters.map(({ key }) => key).join(', ') || 'none'}`,
      });
    }
    const reader = field === 'costLimit' ? readMoney(6) : readQuantity(meter.unit);
    const quantity = reader(value.trim(), (message) => {
      throw usageError(`${flag} ${name}: ${message}`);
    });
    const custom = limits.get(meter.key) ?? { meter: meter.key, limit: null, costLimit: null };
    limits.set(meter.key, { ...custom, [field]: quantity ?? null });
  };
  for (const text of texts.limits) {
    read(text, 'limit', '--limit');
  }
  for (const text of texts.costLimits) {
    read(text, 'costLimit', '--cost-limit');
  }
  return [...limits.values()].sort((a, b) => (a.meter < b.meter ? -1 : 1));
}

/**
 * Puts the user on the plan, in one transaction with its audit row, whose id it returns.
 * @throws tryAgainError when the user's plan or custom limits have changed since the plan was made
 */
export function applySetPlan(
  client: pg.ClientBase,
  user: User,
  plan: SetPlanPlan,
  reason: string,
): Promise<string> {
  return withTransaction(client, async () => {
    const before = (await selectCurrentPlan(client, user.id, plan.service, true)) ?? null;
    const customBefore = await selectCustomLimits(client, user.id, plan.plan);
    if (JSON.stringify([before, customBefore]) !== JSON.stringify([plan.before, plan.customBefore])) {
      throw tryAgainError(`the plan of ${user.externalId} has changed since it was looked at`, {
        suggestion: 'run the command again',
      });
    }
    await replaceCustomLimits(client, user.id, plan.plan, plan.customAfter, reason);
    return changePlan(client, user.id, plan.plan, { reason, before: customBefore, after: plan.customAfter });
  });
}
