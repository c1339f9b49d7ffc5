import { meantUser } from '../../asking/meant-user.ts';
import { requiredReason } from '../../changes/reason.ts';
import { runChange } from '../../changes/run-change.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { argument, value } from '../../declarations/option.ts';
import { userOption } from '../../declarations/user-argument.ts';
import { quantityFormat } from '../../text/quantity-text.ts';
import { applySettle, planSettle, type SettlePlan } from '../../usage/sessions/settle-session.ts';
import { parseDecimal, parseQuantity } from '../../values/option-values.ts';

/** `quota usage settle`: `{session, quantity, cost, dryRun, auditId}`; `session` is a `SessionState` as it was before. */
export const usageSettle = defineCommand(
  {
    arguments: {
      key: argument("the app's key of the session, or the number that quota usage sessions tells"),
    },
    options: {
      ...changeOptions,
      ...userOption,
      seconds: value('time', 'what it lasted: 15m, 1:30 or 900', parseQuantity),
      messages: value('n', 'of a service that counts messages', parseQuantity),
      quantity: value('n', 'of another service, in its unit: tokens, bytes', parseQuantity),
      cost: value('amount', 'what it cost', parseDecimal({ decimalsMax: 10 })),
      provider: value('provider', 'whose key it is'),
    },
    examples: [
      [
        'quota usage settle session-17 --seconds 1:30 --reason "the tab crashed, by our own log" --dry-run',
        'look first',
      ],
      [
        'quota usage settle session-17 --seconds 90 --reason "the tab crashed, by our own log" --yes',
        'an estimate no more',
      ],
    ],
  },
  (context, options) => {
    const { key, seconds, messages, quantity, cost, provider } = options;
    return runChange(context, options, {
      reason: requiredReason('settling a session', 'the tab crashed'),
      plan: async ({ client }) => {
        const userId =
          options.user === undefined ? undefined : (await meantUser(context, client, options.user)).id;
        return planSettle(client, { key, provider, userId, seconds, messages, quantity, cost });
      },
      describe: (plan) => ({ action: `Settle ${settledText(plan)}`, name: plan.session.user }),
      apply: ({ client }, plan, { reason }) => applySettle(client, plan, reason),
      report: ({ plan, applied, dryRun }) => ({
        data: {
          session: plan.session,
          quantity: plan.quantity,
          cost: plan.cost ?? plan.session.cost,
          dryRun,
          auditId: applied?.auditId ?? null,
        },
        text: (_data, style) =>
          `${dryRun ? style.yellow('would settle') : style.green('settled')} ${settledText(plan)}`,
      }),
    });
  },
);

function settledText({ session, quantity }: SettlePlan): string {
  const { text, unit } = quantityFormat(session.unit, quantity);
  const before =
    session.state === 'running'
      ? 'it runs'
      : `estimated at ${session.quantity === null ? 'nothing known' : text(session.quantity)}`;
  return `${session.key ?? session.callLogId} of ${session.user} at ${text(quantity)} ${unit} of ${session.service} (${before})`;
}
