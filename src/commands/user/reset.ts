import { meantUser } from '../../asking/meant-user.ts';
import { drainUser, openProviderWork, type UserWork, workExitCode } from '../../changes/provider-work.ts';
import { requiredReason } from '../../changes/reason.ts';
import { runChange } from '../../changes/run-change.ts';
import type { Report } from '../../context.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { repeated } from '../../declarations/option.ts';
import { drainOptions } from '../../declarations/provider-options.ts';
import { userArgument } from '../../declarations/user-argument.ts';
import type { AssistantRestore } from '../../resets/reset-store.ts';
import {
  type AppliedReset,
  applyReset,
  isNothing,
  planReset,
  type ResetPlan,
  type ResetScope,
} from '../../resets/reset-usage.ts';
import { parseName } from '../../values/option-values.ts';
import { askForScope } from './ask-for-terms.ts';
import { planLines, type ResetResult, resetText } from './reset-text.ts';

/** `quota user reset`: the data is a `ResetResult`; an `auditId` of null says that nothing was changed. */
export const userReset = defineCommand(
  {
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
  },
  async (context, options) => {
    const { service: services = [], meter: meters = [], user: named } = options;
    // Who names nobody is led through all of it; who names somebody has said which meters: those given, or all.
    const isAsked = named === undefined && services.length + meters.length === 0;
    let scope: ResetScope | undefined = isAsked ? undefined : { services, meters };
    const work = await openProviderWork(context, options, 'wanted');
    return runChange(context, options, {
      reason: requiredReason('a reset', 'goodwill after the outage, ticket 4711'),
      plan: async ({ client }) => {
        const user = await meantUser(context, client, named);
        const whole = { services: [], meters: [] };
        scope ??= await askForScope(context, user, (await planReset(client, user, whole)).meters);
        return planReset(client, user, scope);
      },
      isNothing,
      describe: (plan) => ({
        action: `Reset the usage of ${plan.user.externalId}`,
        name: plan.user.externalId,
        subject: 'the usage',
        lines: [`To be reset for ${plan.user.externalId}:`, ...planLines(plan)],
      }),
      // Who agreed beforehand agreed to reset whatever is used.
      apply: ({ client }, plan, { reason, isBeforehand }) =>
        applyReset(client, plan.user, {
          scope: scope ?? { services, meters },
          reason,
          agreed: isBeforehand ? null : plan,
        }),
      again: ({ user }) =>
        named === undefined
          ? [
              'user',
              'reset',
              user.externalId,
              ...(scope?.meters ?? []).flatMap((meter) => ['--meter', meter]),
            ]
          : undefined,
      settle: ({ client }, { user }) => drainUser(context, client, user.id, work),
      report: ({ plan, applied, settled, dryRun }) => {
        const done = applied ?? { plan, auditId: null };
        const { unfinished = 0 } = settled ?? {};
        const assistants =
          settled === undefined || options.sync === false ? queuedBy(plan) : restoresOf(settled);
        return {
          ...reportOf(done, assistants, dryRun),
          exitCode: workExitCode(unfinished),
        };
      },
    });
  },
);

/** Also of those that an earlier reset could not restore. */
const restoresOf = ({ assistants }: UserWork): AssistantRestore[] =>
  assistants
    .filter(({ desired }) => desired === 'original')
    .map(({ providerAssistantId, status, error }) => ({ providerAssistantId, status, error }));

/** What the queue would hold. */
const queuedBy = ({ assistants }: ResetPlan): ResetResult['assistants'] =>
  assistants.map(({ providerAssistantId }) => ({ providerAssistantId, status: 'pending', error: null }));

function reportOf(
  { plan, auditId }: AppliedReset,
  assistants: ResetResult['assistants'],
  dryRun: boolean,
): Report<ResetResult> {
  const { user, meters } = plan;
  return {
    data: { user, dryRun, meters, assistants, auditId },
    rows: meters.map(({ service, meter, before, after }) => ({
      externalId: user.externalId,
      service,
      meter,
      usedBefore: before.used,
      usedAfter: after.used,
      dryRun,
      auditId,
    })),
    columns: ['externalId', 'service', 'meter', 'usedBefore', 'usedAfter', 'dryRun', 'auditId'].map(
      (key) => ({ key }),
    ),
    text: (result, style) => resetText(result, plan, style),
  };
}
