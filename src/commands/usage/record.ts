import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { requiredValue, value } from '../../declarations/option.ts';
import { userArgument } from '../../declarations/user-argument.ts';
import { exitCodes } from '../../errors.ts';
import { readQuantity } from '../../usage/read-quantity.ts';
import { recordUsage } from '../../usage/record-usage.ts';
import { findUser } from '../../users/find-user.ts';
import { parseDecimal, parseInstant, parseQuantity } from '../../values/option-values.ts';

/**
 * `quota usage record`: `{recorded, callLogId, used, limit, remaining, state, action}`; `recorded` is false when
 * the key was there before, and null on a dry run.
 */
export const usageRecord = defineCommand(
  {
    arguments: userArgument,
    options: {
      ...changeOptions,
      service: requiredValue('service', 'voice, avatar, transcription, chat, …'),
      key: requiredValue('key', "the provider's id of the call, or any key that tells it from others"),
      quantity: requiredValue('n', '15m, 1:30 or 900 seconds; messages', parseQuantity),
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
  async (context, options) => {
    const data = await context.withDatabase(async ({ client }) => {
      const user = await findUser(client, options.user);
      const quantity = await readQuantity(client, options.service, options.quantity);
      const what = `${quantity} on ${options.service} for ${user.externalId}`;
      const change = {
        action: `Record ${what}`,
        name: user.externalId,
      };
      if (!(await context.confirm(change, options))) {
        return { recorded: null, plan: what };
      }
      const entry = { ...options, quantity, userId: user.id, assistantId: options.assistant };
      return recordUsage(client, entry, options.reason);
    });
    await context.output.write({
      data,
      text: (result, style) => {
        if ('plan' in result) {
          return `${style.yellow('would record')} ${result.plan}`;
        }
        const done = result.recorded ? style.green('recorded') : style.yellow('was recorded before');
        return `${done}: ${result.used} of ${result.limit ?? 'no limit'} used, ${result.remaining ?? 'no limit'} left, ${result.state}`;
      },
    });
    return exitCodes.ok;
  },
);
