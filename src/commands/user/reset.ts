import type { LimitsSetup } from '../../changes/limits-run.ts';
import { withCache } from '../../changes/outdated-cache.ts';
import { drainAfter, prepareDrain } from '../../changes/provider-work.ts';
import type { Context, Database } from '../../context.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { declareCommand, defineCommand, type OptionsOf } from '../../declarations/command.ts';
import { repeated } from '../../declarations/option.ts';
import { drainOptions } from '../../declarations/provider-options.ts';
import { userArgument } from '../../declarations/user-argument.ts';
import { exitCodes, tryAgainError, usageError } from '../../errors.ts';
import { selectRestores, selectWaitingRestores } from '../../resets/reset-store.ts';
import { planLines, type ResetResult, resetText } from '../../resets/reset-text.ts';
import {
  type AppliedReset,
  applyReset,
  isNothing,
  planReset,
  type ResetPlan,
} from '../../resets/reset-usage.ts';
import { findUser } from '../../users/find-user.ts';
import type { User } from '../../users/user.ts';
import { parseName } from '../../values/option-values.ts';

/** Somebody who calls on while a person decides can change the plan only so often. */
const attemptsMax = 5;

const declaration = declareCommand({
  arguments: userArgument,
  options: {
    ...changeOptions,
    ...drainOptions,
    service: repeated('service', 'only the meters of this service; can be repeated', parseName),
    meter: repeated('meter', 'only this meter; can be repeated', parseName),
  },
  examples: [
    ['quota user reset ada --dry-run', 'before and after, nothing changed'],
    ['quota user reset ada --reason "outage, ticket 4711"', 'everything, after a question'],
    ['quota user reset ada --meter voice_seconds --reason goodwill --yes', 'one meter, in a script'],
    ['quota user reset ada --reason goodwill --confirm ada', 'in production'],
  ],
});

type Options = OptionsOf<typeof declaration>;

/** `quota user reset`: the data is a `ResetResult`; an `auditId` of null says that nothing was changed. */
export const userReset = defineCommand(declaration, async (context, options) => {
  if (!options.dryRun && !options.reason?.trim()) {
    throw usageError('a reset needs a reason, for the audit log', {
      suggestion: '--reason "goodwill after the outage, ticket 4711"',
    });
  }
  const setup = options.dryRun ? undefined : await prepareDrain(context, options);
  const { plan, data, isUnfinished } = await context.withDatabase((database) =>
    reset(context, database, setup, options),
  );
  await context.output.write({
    data,
    rows: data.meters.map(({ service, meter, before, after }) => ({
      externalId: data.user.externalId,
      service,
      meter,
      usedBefore: before.used,
      usedAfter: after.used,
      dryRun: data.dryRun,
      auditId: data.auditId,
    })),
    columns: ['externalId', 'service', 'meter', 'usedBefore', 'usedAfter', 'dryRun', 'auditId'].map(
      (key) => ({ key }),
    ),
    text: (result, style) => resetText(result, plan, style),
  });
  return isUnfinished ? exitCodes.tryAgain : exitCodes.ok;
});

interface ResetOutcome {
  plan: ResetPlan;
  data: ResetResult;
  /** Whether an assistant could not be restored yet. */
  isUnfinished: boolean;
}

async function reset(
  context: Context,
  { client }: Database,
  setup: LimitsSetup | undefined,
  options: Options,
): Promise<ResetOutcome> {
  const user = await findUser(client, options.user);
  const dryRun = options.dryRun === true;
  const { plan, auditId } = await planAndApply(context, { client, user }, options);
  // A dry run tells what the queue would hold.
  const queued = plan.assistants.map(({ providerAssistantId }) => ({
    providerAssistantId,
    status: 'pending' as const,
    error: null,
  }));
  if (dryRun) {
    return {
      plan,
      data: { user, dryRun, meters: plan.meters, assistants: queued, auditId },
      isUnfinished: false,
    };
  }
  // Also what an earlier reset could not restore.
  const waiting = options.sync === false ? [] : await selectWaitingRestores(client, user.id);
  const scope = { userIds: [user.id], dueOnly: false };
  const { unfinished } = await drainAfter(context, { client, setup, scope }, options);
  const assistants = await selectRestores(client, [...plan.assistants.map(({ id }) => id), ...waiting]);
  return {
    plan,
    data: { user, dryRun, meters: plan.meters, assistants, auditId },
    isUnfinished: unfinished > 0,
  };
}

/**
 * Shows the plan, asks, and applies that plan. Usage that moves in the meantime makes another plan, which is
 * shown and asked for again; who agreed beforehand agreed to reset whatever is used.
 */
async function planAndApply(
  context: Context,
  { client, user }: { client: Database['client']; user: User },
  options: Options,
): Promise<AppliedReset> {
  const scope = { services: options.service ?? [], meters: options.meter ?? [] };
  const agreedBefore = isAgreed(context, options);
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const plan = await planReset(client, user, scope);
    if (isNothing(plan)) {
      return { plan, auditId: null };
    }
    if (!options.dryRun && !agreedBefore) {
      context.talk.info([`To be reset for ${user.externalId}:`, ...planLines(plan)].join('\n'));
    }
    const change = { action: `Reset the usage of ${user.externalId}`, name: user.externalId };
    if (!(await context.confirm(change, options))) {
      return { plan, auditId: null };
    }
    const reason = options.reason?.trim() ?? '';
    const agreed = agreedBefore ? null : plan;
    const applied = await withCache(context, client, () =>
      applyReset(client, user, { scope, reason, agreed }),
    );
    if (applied !== null) {
      return applied;
    }
    context.talk.warn('the usage has moved since the plan was shown; nothing was changed');
  }
  throw tryAgainError(`the usage of ${user.externalId} moves too fast to agree on a plan`, {
    suggestion: 'add --yes (in production --confirm) to reset whatever is used at that moment',
  });
}

/** Whether leave was given on the command line, before any plan was seen. */
const isAgreed = ({ settings }: Context, { yes, confirm }: Options) =>
  confirm !== undefined || (yes === true && settings.environment !== 'production');
