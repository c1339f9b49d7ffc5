import { readPlanDocument } from '../../allowances/files/plan-document.ts';
import { type SimulationResult, simulatePlans } from '../../allowances/plans/simulate-plans.ts';
import type { Style } from '../../context.ts';
import { defineCommand } from '../../declarations/command.ts';
import { argument, requiredValue, value } from '../../declarations/option.ts';
import { exitCodes, usageError } from '../../errors.ts';
import { minuteText } from '../../text/time-text.ts';
import { parseInstant } from '../../values/option-values.ts';

/** The dearest ones, for a person; every other format has all. */
const blocksShownMax = 20;

/** `quota plan simulate`: the data is a `SimulationResult`; csv and ndjson have one line per blocked period. */
export const planSimulate = defineCommand(
  {
    arguments: { file: argument('YAML or JSON, as for "plan apply"; - reads stdin') },
    options: {
      from: requiredValue('date', 'the first instant that counts', parseInstant),
      to: requiredValue('date', 'the instant before which it ends', parseInstant),
      usersOf: value('plan', 'replay the users of this plan (default: those of the plans in the file)'),
    },
    examples: [
      ['quota plan simulate plan.yaml --from 2026-10-01 --to 2026-11-01', 'October under other limits'],
      [
        'quota plan simulate pro.yaml --users-of voice-free --from 2026-10-01 --to 2026-11-01 --output csv',
        'a plan that nobody has yet',
      ],
    ],
  },
  async (context, options) => {
    const { file, from, to, usersOf = null } = options;
    if (from >= to) {
      throw usageError(`nothing lies between ${from} and ${to}`, { suggestion: 'give an earlier --from' });
    }
    const document = await readPlanDocument(file, context.stdin);
    const data = await context.withDatabase(({ client }) =>
      simulatePlans(client, document, { from, to, usersOf }),
    );
    await context.output.write({
      data,
      rows: data.blocks.map(({ period, ...block }) => ({
        ...block,
        periodStart: period.start,
        periodEnd: period.end,
      })),
      columns: [
        ...['externalId', 'service', 'plan', 'meter', 'periodStart', 'periodEnd', 'limit', 'costLimit'],
        ...['reachedAt', 'blockedAt', 'callId', 'calls', 'quantity', 'cost'],
      ].map((key) => ({ key })),
      text: simulationText,
    });
    return exitCodes.ok;
  },
);

function simulationText(result: SimulationResult, style: Style): string {
  const { from, to, plans, actual, avoided, blocks } = result;
  const hidden = blocks.length - blocksShownMax;
  return [
    `${style.bold(plans.join(', '))}  ${minuteText(from)} to ${minuteText(to)}`,
    `  ${actual.users} users made ${actual.calls} calls that cost ${actual.cost}`,
    avoided.calls === 0
      ? style.green('  nobody would have been blocked')
      : style.yellow(
          `  ${avoided.users} would have been blocked: ${avoided.calls} calls and a cost of ${avoided.cost} less`,
        ),
    ...blocks
      .slice(0, blocksShownMax)
      .map(
        ({ externalId, meter, blockedAt, calls, quantity, cost }) =>
          `  ${minuteText(blockedAt)}  ${style.bold(externalId)}  ${meter}  ${calls} calls, ${quantity} of it, cost ${cost}`,
      ),
    ...(hidden > 0 ? [style.dim(`  … ${hidden} more; --output csv has all`)] : []),
    style.dim('  Resets by operators and grants are not replayed: they answered the limits that there were.'),
  ].join('\n');
}
