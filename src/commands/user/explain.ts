import { meantUser } from '../../asking/meant-user.ts';
import { defineCommand } from '../../declarations/command.ts';
import { value } from '../../declarations/option.ts';
import { userArgument } from '../../declarations/user-argument.ts';
import { exitCodes } from '../../errors.ts';
import { explainUser } from '../../usage/explain/explain-user.ts';
import { parseInstantOr } from '../../values/option-values.ts';
import { explanationText } from './explain-text.ts';

/** `quota user explain`: the data is an `Explanation`; csv and ndjson have one line per event. */
export const userExplain = defineCommand(
  {
    arguments: userArgument,
    options: {
      service: value('service', 'voice, avatar, … (default: what is blocked, else what was used last)'),
      period: value(
        'period',
        'current, previous, or a date within it (default: current)',
        parseInstantOr('current', 'previous'),
      ),
    },
    examples: [
      ['quota user explain ada@example.com', '"why am I blocked?" in one screen'],
      ['quota user explain user_00042 --service voice --period previous', 'the period before'],
      ['quota user explain user_00042 --period 2026-10-15 --output csv', 'every event of that period'],
    ],
  },
  async (context, options) => {
    const data = await context.withDatabase(async ({ client }) =>
      explainUser(client, await meantUser(context, client, options.user), {
        service: options.service,
        period: options.period ?? 'current',
      }),
    );
    await context.output.write({
      data,
      rows: data.quotas.flatMap(({ meter, events }) =>
        events.map((event) => ({ externalId: data.user.externalId, service: data.service, meter, ...event })),
      ),
      columns: [
        ...['externalId', 'service', 'meter', 'at', 'until', 'kind'],
        ...['calls', 'quantity', 'balance', 'who', 'why', 'text'],
      ].map((key) => ({ key })),
      text: (explanation, style) => explanationText(explanation, context.now(), style),
    });
    return exitCodes.ok;
  },
);
