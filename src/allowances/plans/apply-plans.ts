import type pg from 'pg';
import { insertAuditEntry } from '../../audit/audit-entry-store.ts';
import { withTransaction } from '../../db/transaction.ts';
import { refusedError, tryAgainError } from '../../errors.ts';
import type { PlanDocument } from '../files/plan-document.ts';
import { type AppliedMeters, applyMeters, type MetersPlan, planMeters } from '../meters/apply-meters.ts';
import { selectMeters } from '../meters/meter-store.ts';
import type { PlanDefinition } from './plan.ts';
import { isRecut, isRepriced, type PlanChange, planDifferences } from './plan-changes.ts';
import {
  insertPlanVersions,
  lockPlans,
  openRunningPeriods,
  replaceLimits,
  replaceUnknownZones,
  retakePlanTerms,
  type StoredPlan,
  type SubscriberGroup,
  selectOutdated,
  selectPlans,
  selectTimezones,
  takeTermsAhead,
  upsertPlans,
} from './plan-store.ts';
import { readPlans } from './read-plans.ts';

export interface PlansPlan {
  /** Of the meters that the file defines beside its plans. */
  meters: MetersPlan;
  /** In the order of the file. */
  plans: PlanChange[];
  definitions: PlanDefinition[];
  before: StoredPlan[];
  /** Whether running periods take the new terms. */
  now: boolean;
  /** Plans whose running periods have another price than theirs. */
  repriced: string[];
}

/**
 * What applying a file would change.
 * @throws badInputError with every error of the file; refusedError when periods would be cut anew without `now`
 */
export async function planPlans(
  client: pg.ClientBase,
  document: PlanDocument,
  now: boolean,
): Promise<PlansPlan> {
  const before = await selectPlans(client, null);
  const stored = await selectMeters(client);
  const { plans: definitions, meters: defined } = readPlans(document, {
    meters: stored,
    timezones: await selectTimezones(client),
    plans: before.map(({ definition }) => definition),
  });
  // Applied without --now before, running periods may still keep what the file does not say any more.
  const outdated = now
    ? await selectOutdated(
        client,
        definitions.map(({ key }) => key),
      )
    : [];
  const meters = await planMeters(client, defined, stored);
  const units = new Map([...stored, ...defined].map(({ key, unit }) => [key, unit]));
  const plans = definitions.map((definition): PlanChange => {
    const former = storedPlan(before, definition.key);
    const changes = planDifferences(former?.definition, definition, units);
    const { key, service } = definition;
    const isKept = outdated.some((plan) => plan.key === key);
    const action =
      former === undefined ? 'create' : changes.length > 0 ? 'update' : isKept ? 'retake' : 'unchanged';
    const version = (former?.version ?? 0) + (action === 'create' || action === 'update' ? 1 : 0);
    return { key, service, action, version, subscribers: former?.subscribers ?? 0, changes };
  });
  const repriced = outdated.filter(({ isRepriced }) => isRepriced).map(({ key }) => key);
  const plan = { meters, plans, definitions, before, now, repriced };
  refuseSilentRecut(plan);
  return plan;
}

const storedPlan = (plans: readonly StoredPlan[], key: string) =>
  plans.find(({ definition }) => definition.key === key);

/** A running period cannot keep its terms when its plan cuts time elsewhere: that has to be meant. */
function refuseSilentRecut({ definitions, before, now }: PlansPlan): void {
  const recut = definitions.filter((definition) => {
    const stored = storedPlan(before, definition.key);
    return stored !== undefined && stored.subscribers > 0 && isRecut(stored.definition, definition);
  });
  if (recut.length > 0 && !now) {
    throw refusedError(
      `the running periods of ${recut.map(({ key }) => key).join(', ')} cannot keep their terms`,
      {
        detail:
          'a meter that comes or goes, and another reset_every, reset_anchor or boundary, hold for the running periods too',
        suggestion:
          'add --now to change them at once, or make a new plan and move its users with quota plan move',
      },
    );
  }
}

export interface AppliedPlans {
  auditIds: string[];
  /** Users whose running periods took the new terms. */
  retaken: number;
  /** Running periods that count otherwise, as they were when it was applied. */
  counts: AppliedMeters['counts'];
}

/** Users of one transaction: an app waits for no more of them. */
const usersAtOnce = 200;

/**
 * Applies what was planned, in one transaction, with a version and an audit row per changed plan. Running periods take the
 * terms after it, a group of users at a time: what is left of them if that ends early, the same file again finds. Where
 * time is cut otherwise they take them within: a period that its plan does not know cannot be counted in.
 * @throws tryAgainError when the plans have changed since
 */
export async function applyPlans(
  client: pg.ClientBase,
  plan: PlansPlan,
  reason: string | undefined,
): Promise<AppliedPlans> {
  const { taking, ...applied } = await changePlans(client, plan, reason);
  let { retaken } = applied;
  for (const recount of [false, true]) {
    const keys = taking.filter((change) => change.recount === recount).map(({ key }) => key);
    retaken += keys.length === 0 ? 0 : await retakeInGroups(client, keys, recount);
  }
  return { ...applied, retaken };
}

async function retakeInGroups(
  client: pg.ClientBase,
  plans: readonly string[],
  recount: boolean,
): Promise<number> {
  let retaken = 0;
  for (let after: string | null = null; ; ) {
    const group: SubscriberGroup = { after, users: usersAtOnce };
    const { users, last } = await withTransaction(client, () =>
      retakePlanTerms(client, plans, recount, group),
    );
    retaken += users;
    if (users < usersAtOnce) {
      return retaken;
    }
    after = last;
  }
}

/** A plan whose running periods are still to take its terms. */
interface TermsToTake {
  key: string;
  /** Their calls are priced anew. */
  recount: boolean;
}

function changePlans(
  client: pg.ClientBase,
  plan: PlansPlan,
  reason: string | undefined,
): Promise<AppliedPlans & { taking: TermsToTake[] }> {
  return withTransaction(client, async () => {
    await lockPlans(client);
    await refuseStale(client, plan.before);
    const { counts, auditIds } = await applyMeters(client, plan.meters, reason);
    const withAction = (...actions: PlanChange['action'][]) =>
      plan.definitions.filter(({ key }) =>
        plan.plans.some((change) => change.key === key && actions.includes(change.action)),
      );
    const changed = withAction('create', 'update');
    const keys = changed.map(({ key }) => key);
    const concerned = withAction('create', 'update', 'retake');
    if (!plan.now) {
      await openRunningPeriods(client, keys);
    }
    await upsertPlans(client, changed);
    await replaceLimits(client, changed);
    await takeTermsAhead(client, keys);
    const { recut, taking } = termsToTake(plan, concerned);
    const retaken = recut.length === 0 ? 0 : (await retakePlanTerms(client, recut, true)).users;
    await insertPlanVersions(client, keys, reason ?? null);
    for (const definition of concerned) {
      auditIds.push(
        await insertAuditEntry(client, {
          action: 'plan.applied',
          service: definition.service,
          subject: definition.key,
          reason,
          before: storedPlan(plan.before, definition.key)?.definition,
          after: { ...definition, runningPeriods: plan.now ? 'changed' : 'kept' },
        }),
      );
    }
    auditIds.push(...(await replaceUnknownZones(client, keys, reason ?? null)));
    return { auditIds, retaken, counts, taking };
  });
}

/** With `now` only: otherwise running periods keep the terms that they were opened with. */
function termsToTake(
  { now, before, repriced }: PlansPlan,
  concerned: readonly PlanDefinition[],
): { recut: string[]; taking: TermsToTake[] } {
  const recut: string[] = [];
  const taking: TermsToTake[] = [];
  for (const definition of now ? concerned : []) {
    const { key } = definition;
    const former = storedPlan(before, key)?.definition;
    if (former !== undefined && isRecut(former, definition)) {
      recut.push(key);
    } else {
      const isPriced = former !== undefined && isRepriced(former, definition);
      taking.push({ key, recount: isPriced || repriced.includes(key) });
    }
  }
  return { recut, taking };
}

async function refuseStale(client: pg.ClientBase, before: readonly StoredPlan[]): Promise<void> {
  const versions = (plans: readonly StoredPlan[]) =>
    plans.map(({ definition, version }) => `${definition.key} ${version}`).join();
  if (versions(await selectPlans(client, null)) !== versions(before)) {
    throw tryAgainError('the plans have changed since they were compared', {
      suggestion: 'run the command again and look at the new comparison',
    });
  }
}
