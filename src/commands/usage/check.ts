import { meantUser } from '../../asking/meant-user.ts';
import type { Style } from '../../context.ts';
import { defineCommand } from '../../declarations/command.ts';
import { flag, optionalArgument, requiredValue, value } from '../../declarations/option.ts';
import { exitCodes } from '../../errors.ts';
import { quantityFormat } from '../../text/quantity-text.ts';
import { moneyText } from '../../text/sum-text.ts';
import { readQuantity } from '../../usage/read-quantity.ts';
import { type Allowance, selectAllowance } from '../../usage/record-store.ts';
import { parseBytes, parseQuantity } from '../../values/option-values.ts';
import { quantitiesOf, quantitiesOption } from './quantities-option.ts';

/** `quota usage check`: the data is an `Allowance`. The exit code is 0 whether it is allowed or not. */
export const usageCheck = defineCommand(
  {
    arguments: { user: optionalArgument('id, external id or email; nobody: somebody not signed in') },
    options: {
      service: requiredValue('service', 'voice, avatar, transcription, chat, …'),
      model: value('model', 'the model that would be used'),
      quantity: value('n', 'what is needed: 15m, 1:30 or 900 seconds; messages, tokens, …', parseQuantity),
      ...quantitiesOption,
      fileBytes: value('n', 'size of the file: 25MB or 26214400', parseBytes),
      assistant: flag('ask whether one more assistant may be made'),
    },
    examples: [
      ['quota usage check ada@example.com --service voice', 'may she call?'],
      ['quota usage check user_00042 --service transcription --file-bytes 25MB --quantity 3m', 'a job'],
      ['quota usage check --service chat --model claude-3-opus', 'somebody not signed in'],
    ],
  },
  async (context, options) => {
    const data = await context.withDatabase(async ({ client }) =>
      selectAllowance(client, {
        externalId:
          options.user === undefined ? null : (await meantUser(context, client, options.user)).externalId,
        service: options.service,
        model: options.model,
        quantity:
          options.quantity === undefined
            ? undefined
            : await readQuantity(client, options.service, options.quantity),
        fileBytes: options.fileBytes,
        quantities: quantitiesOf(options.also),
        purpose: options.assistant ? 'assistant' : 'usage',
      }),
    );
    await context.output.write<Allowance>({
      data,
      text: (answer, style) => {
        const verdict = answer.allowed ? style.green('allowed') : style.red(`refused (${answer.reason})`);
        return [
          `${verdict}  ${answer.message}`,
          ...(answer.meter === null ? [] : [`${answer.meter}: ${usedText(answer, style)}`]),
          ...answer.warnings.map((warning) => style.yellow(warning)),
          ...(answer.action === null ? [] : [`the app is to ${actions[answer.action]}`]),
        ].join('\n');
      },
    });
    return exitCodes.ok;
  },
);

const actions = {
  block: 'refuse the call',
  switch_to_static: 'answer with the static fallback',
  limit_assistants: 'limit the assistants',
};

/** `11:48 of 10:00 minutes used (118.00 %), nothing left`; the cost where it is limited. */
function usedText(
  { meter, meters, used, limit, remaining, percent, ...rest }: Allowance,
  style: Style,
): string {
  const unit = meters.find((one) => one.meter === meter)?.unit ?? '';
  const format = quantityFormat(unit, limit ?? used ?? '0');
  const text = (quantity: string | null) => format.text(quantity ?? '0');
  const left = Number(remaining) === 0 ? 'nothing left' : `${text(remaining)} left`;
  const money =
    rest.cost === null || rest.costLimit === null
      ? ''
      : `; cost ${moneyText(rest.cost, style)} of ${moneyText(rest.costLimit, style)}`;
  return limit === null
    ? `${text(used)} ${format.unit} used, no limit${money}`
    : `${text(used)} of ${text(limit)} ${format.unit} used (${percent} %), ${left}${money}`;
}
