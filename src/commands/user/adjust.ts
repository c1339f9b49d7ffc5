import { farBeyondText, isFarBeyond } from '../../allowances/grants/far-beyond.ts';
import { meantUser } from '../../asking/meant-user.ts';
import { drainUser, openProviderWork, workExitCode } from '../../changes/provider-work.ts';
import { requiredReason } from '../../changes/reason.ts';
import { runChange } from '../../changes/run-change.ts';
import type { Context, Style } from '../../context.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { flag, optionalArgument } from '../../declarations/option.ts';
import { drainOptions } from '../../declarations/provider-options.ts';
import { userArgument } from '../../declarations/user-argument.ts';
import { usageError } from '../../errors.ts';
import {
  type AdjustPlan,
  type AdjustRequest,
  applyAdjust,
  type PlannedAdjustment,
  planAdjust,
} from '../../resets/adjust-usage.ts';
import type { AssistantWork } from '../../resets/reset-store.ts';
import { assistantLines } from '../../text/assistants-text.ts';
import { quantityFormat } from '../../text/quantity-text.ts';
import { parseSignedQuantity } from '../../values/option-values.ts';
import { askForCorrection, askForMeter } from './ask-for-terms.ts';

interface AdjustReport {
  user: AdjustPlan['user'];
  dryRun: boolean;
  meters: PlannedAdjustment[];
  assistants: AssistantWork[];
  auditIds: string[];
}

/** `quota user adjust`: an `AdjustReport`; `quantity` and `cost` are signed, `before` and `after` hold `used` and `cost`. */
export const userAdjust = defineCommand(
  {
    arguments: {
      ...userArgument,
      meter: optionalArgument('voice_seconds, messages, …'),
      amount: optionalArgument('more or less used: -5m, +1:30, -300 seconds; messages', parseSignedQuantity),
    },
    options: {
      ...changeOptions,
      ...drainOptions,
      undoReset: flag('give back what resets of the running period took off, of this meter or of all'),
    },
    details: `Corrects what counts as used in the running period; the calls themselves stay. A minus makes it less, and may free
the user; a plus makes it more, and may limit the user. What is far beyond the plan has to be confirmed by name.`,
    examples: [
      [
        'quota user adjust ada voice_seconds -5m --reason "dropped call, ticket 4711" --dry-run',
        'look first',
      ],
      ['quota user adjust ada messages +20 --reason "sent by another channel" --yes', 'count more'],
      ['quota user adjust ada --undo-reset --reason "wrong user" --yes', 'take a mistaken reset back'],
    ],
  },
  async (context, options) => {
    const isAsked = needsAsking(context, options);
    let told: AdjustRequest | undefined = isAsked ? undefined : requestOf(options);
    const work = await openProviderWork(context, options, 'optional');
    return runChange(context, options, {
      reason: requiredReason('a correction', 'dropped call, ticket 4711'),
      plan: async ({ client }) => {
        const user = await meantUser(context, client, options.user);
        const meter = options.meter ?? (isAsked ? await askForMeter(context, client, user) : undefined);
        told ??= requestOf({
          ...options,
          meter,
          amount: options.amount ?? (await askForCorrection(context, client, meter ?? '')),
        });
        const request = told;
        return { ...(await planAdjust(client, user, request)), request };
      },
      describe: ({ user, meters }) => ({
        action: `Correct the usage of ${user.externalId}${meters.map(({ quantity, limit, unit }) => farBeyondText(quantity, limit, unit)).join('')}`,
        name: user.externalId,
        subject: 'the usage',
        typed: meters.some(
          ({ kind, quantity, limit }) => kind === 'correction' && isFarBeyond(quantity, limit),
        ),
        lines: [`To be corrected for ${user.externalId}:`, ...meters.map(meterLine)],
      }),
      apply: ({ client }, { request, ...plan }, { reason, isBeforehand }) =>
        applyAdjust(client, plan.user, { request, reason, agreed: isBeforehand ? null : plan }),
      again: ({ user, request }) =>
        isAsked && !request.undoesReset
          ? ['user', 'adjust', user.externalId, request.meter, request.amount]
          : undefined,
      settle: ({ client }, { user }) => drainUser(context, client, user.id, work),
      report: ({ plan, applied, settled, dryRun }) => {
        const { assistants = [], unfinished = 0 } = settled ?? {};
        const { user, meters } = applied?.plan ?? plan;
        const data: AdjustReport = { user, dryRun, meters, assistants, auditIds: applied?.auditIds ?? [] };
        return {
          data,
          rows: meters.map(({ service, meter, quantity, before, after }) => ({
            ...{ externalId: user.externalId, service, meter, quantity, dryRun },
            ...{ usedBefore: before.used, usedAfter: after.used },
          })),
          text: adjustText,
          exitCode: workExitCode(unfinished),
        };
      },
    });
  },
);

/** A person is asked for the meter and by how much; what resets took off is taken back by its flag. */
const needsAsking = ({ canGuide }: Context, { meter, amount, undoReset }: Given): boolean =>
  canGuide && undoReset !== true && (meter === undefined || amount === undefined);

interface Given {
  meter?: string | undefined;
  amount?: string | undefined;
  undoReset?: boolean;
}

/** @throws usageError where it is not said what is to be corrected, or by how much */
function requestOf(given: Given): AdjustRequest {
  const { meter, amount, undoReset = false } = given;
  if (undoReset && amount === undefined) {
    return { meter, undoesReset: true };
  }
  if (undoReset || meter === undefined || amount === undefined) {
    throw usageError(
      undoReset ? 'an amount, or --undo-reset: which is it?' : 'which meter, and by how much?',
      {
        suggestion: 'quota user adjust USER voice_seconds -5m, or quota user adjust USER --undo-reset',
      },
    );
  }
  return { meter, amount, undoesReset: false };
}

function meterLine({ meter, unit, limit, quantity, before, after }: PlannedAdjustment): string {
  const format = quantityFormat(unit, limit ?? after.used);
  const sign = quantity.startsWith('-') ? '' : '+';
  const of = limit === null ? '' : ` of ${format.text(limit)}`;
  return `  ${meter}  ${format.text(before.used)} → ${format.text(after.used)}${of} ${format.unit} (${sign}${format.text(quantity)})`;
}

const adjustText = ({ user, dryRun, meters, assistants, auditIds }: AdjustReport, style: Style): string =>
  [
    dryRun
      ? `${style.yellow('would correct')} ${style.bold(user.externalId)}`
      : `${style.green('corrected')} ${style.bold(user.externalId)} ${style.dim(`(audit ${auditIds.join(', ')})`)}`,
    ...meters.map(meterLine),
    ...assistantLines(assistants, style),
  ].join('\n');
