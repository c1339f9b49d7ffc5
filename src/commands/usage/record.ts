import { meantUser } from '../../asking/meant-user.ts';
import { optionalReason } from '../../changes/reason.ts';
import { runChange } from '../../changes/run-change.ts';
import type { Style } from '../../context.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { requiredValue, value } from '../../declarations/option.ts';
import { userArgument } from '../../declarations/user-argument.ts';
import { readQuantity } from '../../usage/read-quantity.ts';
import type { RecordedUsage } from '../../usage/record-store.ts';
import { recordUsage } from '../../usage/record-usage.ts';
import { parseDecimal, parseInstant, parseQuantity } from '../../values/option-values.ts';
import { quantitiesOf, quantitiesOption } from './quantities-option.ts';

/**
 * `quota usage record`: `{recorded, differs, storedQuantity, storedCost, callLogId, used, limit, remaining, state, action}`; `recorded` is false when
 * the end of the key's call was known before - `differs`: with other figures, which stay -, and null on a dry run.
 */
export const usageRecord = defineCommand(
  {
    arguments: userArgument,
    options: {
      ...changeOptions,
      service: requiredValue('service', 'voice, avatar, transcription, chat, …'),
      key: requiredValue('key', "the provider's id of the call, or any key that tells it from others"),
      quantity: requiredValue('n', '15m, 1:30 or 900 seconds; messages, tokens, …', parseQuantity),
      ...quantitiesOption,
      provider: value('provider', 'default: the name of the service'),
      model: value('model', 'the model that was used'),
      assistant: value('id', "the assistant, by the provider's id"),
      cost: value('amount', 'what it cost', parseDecimal({ decimalsMax: 10 })),
      startedAt: value('instant', 'default: so long ago as it lasted', parseInstant),
    },
    examples: [
      [
        'quota usage record user_00042 --service voice --key 0194… --quantity 125.5 --yes',
        'a call whose webhook was lost',
      ],
      ['quota usage record user_00042 --service chat --key m1 --quantity 1 --dry-run', 'look first'],
    ],
  },
  (context, options) => {
    const { service, key, provider, model, cost, startedAt, assistant: assistantId } = options;
    return runChange(context, options, {
      reason: optionalReason,
      plan: async ({ client }) => {
        const user = await meantUser(context, client, options.user);
        const quantity = await readQuantity(client, service, options.quantity);
        return { user, quantity, what: `${quantity} on ${service} for ${user.externalId}` };
      },
      describe: ({ user, what }) => ({ action: `Record ${what}`, name: user.externalId }),
      apply: ({ client }, { user, quantity }, { reason }) => {
        const { externalId } = user;
        const quantities = quantitiesOf(options.also);
        const entry = {
          ...{ externalId, service, key, quantity, quantities, provider, model, cost, startedAt },
          assistantId,
        };
        return recordUsage(client, { userId: user.id, entry, reason });
      },
      report: ({ plan: { what }, applied }) => ({
        data: applied ?? { recorded: null, plan: what },
        text: (_data, style) =>
          applied === undefined ? `${style.yellow('would record')} ${what}` : recordedText(applied, style),
      }),
    });
  },
);

function recordedText(recordedUsage: RecordedUsage, style: Style): string {
  const { recorded, differs, storedQuantity, used, limit, remaining, state } = recordedUsage;
  const before = differs ? `was recorded before as ${storedQuantity}, which stays` : 'was recorded before';
  const done = recorded ? style.green('recorded') : style.yellow(before);
  return `${done}: ${used} of ${limit ?? 'no limit'} used, ${remaining ?? 'no limit'} left, ${state}`;
}
