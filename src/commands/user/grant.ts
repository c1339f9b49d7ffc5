import { addGrant, planGrant } from '../../allowances/grants/add-grant.ts';
import { farBeyondText, isFarBeyond } from '../../allowances/grants/far-beyond.ts';
import type { MeterAllowance } from '../../allowances/grants/grant-store.ts';
import { meantUser } from '../../asking/meant-user.ts';
import { drainUser, openProviderWork, workExitCode } from '../../changes/provider-work.ts';
import { requiredReason } from '../../changes/reason.ts';
import { runChange } from '../../changes/run-change.ts';
import type { Context, Style } from '../../context.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { askedArgument, value } from '../../declarations/option.ts';
import { drainOptions } from '../../declarations/provider-options.ts';
import { userArgument } from '../../declarations/user-argument.ts';
import { usageError } from '../../errors.ts';
import type { AssistantWork } from '../../resets/reset-store.ts';
import { allowanceText, amountText } from '../../text/allowance-text.ts';
import { assistantLines } from '../../text/assistants-text.ts';
import type { User } from '../../users/user.ts';
import { minuteText } from '../../values/instant.ts';
import { parseFutureInstant, parseQuantity } from '../../values/option-values.ts';
import { askForAmount, askForMeter } from './ask-for-terms.ts';

interface GrantReport {
  user: User;
  dryRun: boolean;
  meter: string;
  quantity: string;
  expiresAt: string | null;
  before: MeterAllowance | null;
  after: MeterAllowance | null;
  grantId: string | null;
  auditId: string | null;
  assistants: AssistantWork[];
}

/**
 * `quota user grant`: `{user, dryRun, meter, quantity, expiresAt, before, after, grantId, auditId, assistants}`; `before`
 * and `after` are the meter with its limit, granted, used and remaining, or null; `assistants` are those that it freed.
 */
export const userGrant = defineCommand(
  {
    arguments: {
      ...userArgument,
      meter: askedArgument('voice_seconds, messages, …'),
      amount: askedArgument('of the meter: 15m, 1:30 or 900 seconds; messages', parseQuantity),
    },
    options: {
      ...changeOptions,
      ...drainOptions,
      expires: value('instant', 'when what is left of it is lost (default: never)', parseFutureInstant),
    },
    details:
      'What is more than ten times what the plan gives has to be confirmed by name: --yes does not do.',
    examples: [
      ['quota user grant ada@example.com voice_seconds 5m --reason "outage" --yes', 'five minutes more'],
      [
        'quota user grant user_00042 messages 50 --expires 2027-01-31 --reason "promo" --dry-run',
        'look first',
      ],
    ],
  },
  async (context, options) => {
    const { expires: expiresAt = null } = options;
    let { meter, amount } = options;
    const isAsked = options.user === undefined || meter === undefined || amount === undefined;
    refuseExpired(context, expiresAt);
    const work = await openProviderWork(context, options, 'optional');
    return runChange(context, options, {
      reason: requiredReason('a grant', 'outage on the 3rd'),
      plan: async ({ client }) => {
        const user = await meantUser(context, client, options.user);
        meter ??= await askForMeter(context, client, user);
        amount ??= await askForAmount(context, client, meter);
        const wanted = { userId: user.id, meter, quantity: amount, expiresAt };
        return { user, ...(await planGrant(client, wanted)) };
      },
      describe: ({ user, grant, unit, before, limit }) => ({
        action: `Grant ${user.externalId} ${amountText(grant.quantity, { ...grant, unit })}${farBeyondText(grant.quantity, limit, unit)}`,
        name: user.externalId,
        lines: [
          `To be granted to ${user.externalId}:`,
          `  ${amountText(grant.quantity, { ...grant, unit })}${expiresAt === null ? '' : ` until ${minuteText(expiresAt)}`}`,
          `  now ${allowanceText(before)}`,
        ],
        typed: isFarBeyond(grant.quantity, limit),
      }),
      apply: ({ client }, plan, { reason }) => addGrant(client, plan, reason),
      again: ({ user, grant }) =>
        isAsked
          ? [
              ...['user', 'grant', user.externalId, grant.meter, amount ?? grant.quantity],
              ...(expiresAt === null ? [] : ['--expires', expiresAt]),
            ]
          : undefined,
      settle: ({ client }, { user }) => drainUser(context, client, user.id, work),
      report: ({ plan: { user, grant, unit, before }, applied, settled, dryRun }) => {
        const { assistants = [], unfinished = 0 } = settled ?? {};
        const added = applied ?? { grantId: null, auditId: null, after: null };
        const data: GrantReport = {
          user,
          dryRun,
          meter: grant.meter,
          quantity: grant.quantity,
          expiresAt,
          before,
          ...added,
          assistants,
        };
        return {
          data,
          text: (report: GrantReport, style: Style) => grantText(report, unit, style),
          exitCode: workExitCode(unfinished),
        };
      },
    });
  },
);

/** @throws usageError */
function refuseExpired(context: Context, expiresAt: string | null): void {
  if (expiresAt !== null && expiresAt <= context.now().toISOString()) {
    throw usageError(`a grant that expired at ${expiresAt} gives nothing`, {
      suggestion: 'give an instant to come, like --expires 2027-01-31',
    });
  }
}

function grantText(grant: GrantReport, unit: string, style: Style): string {
  const { user, quantity, expiresAt, before, after, dryRun, assistants } = grant;
  const until = expiresAt === null ? '' : ` until ${minuteText(expiresAt)}`;
  const done = dryRun ? style.yellow('would grant') : style.green('granted');
  return [
    `${done} ${style.bold(user.externalId)} ${amountText(quantity, { unit, meter: grant.meter })}${until}`,
    `  before  ${allowanceText(before)}`,
    ...(dryRun ? [] : [`  after   ${allowanceText(after)}`]),
    ...assistantLines(assistants, style),
  ].join('\n');
}
