import { readPlanDocument } from '../../allowances/files/plan-document.ts';
import { selectMeters } from '../../allowances/meters/meter-store.ts';
import { type SimulationResult, simulatePlans } from '../../allowances/plans/simulate-plans.ts';
import type { Style } from '../../context.ts';
import { defineCommand } from '../../declarations/command.ts';
import { argument, requiredValue, value } from '../../declarations/option.ts';
import { exitCodes, usageError } from '../../errors.ts';
import { measuredText } from '../../text/allowance-text.ts';
import { foldText } from '../../text/fold-text.ts';
import { moneyText } from '../../text/sum-text.ts';
import { textTable } from '../../text/text-table.ts';
import { nearText } from '../../text/time-text.ts';
import { counted } from '../../values/counted.ts';
import { minuteText } from '../../values/instant.ts';
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
    const { data, units } = await context.withDatabase(async ({ client }) => ({
      data: await simulatePlans(client, document, { from, to, usersOf }),
      units: new Map((await selectMeters(client)).map(({ key, unit }) => [key, unit])),
    }));
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
      text: (result, style) => simulationText(result, { now: context.now(), units }, style),
    });
    return exitCodes.ok;
  },
);

interface Telling {
  now: Date;
  /** By meter. */
  units: ReadonlyMap<string, string>;
}

function simulationText(result: SimulationResult, { now, units }: Telling, style: Style): string {
  const { from, to, plans, actual, avoided, blocks } = result;
  const hidden = blocks.length - blocksShownMax;
  return [
    `${style.bold(plans.join(', '))}  ${minuteText(from)} to ${minuteText(to)}`,
    `  ${counted(actual.users, 'user')} made ${counted(actual.calls, 'call')} that cost ${moneyText(actual.cost, style)}`,
    avoided.calls === 0
      ? style.green('  nobody would have been blocked')
      : style.yellow(
          `  ${avoided.users} would have been blocked: ${counted(avoided.calls, 'call')} and a cost of ${moneyText(avoided.cost, style)} less`,
        ),
    ...textTable(
      blocks
        .slice(0, blocksShownMax)
        .map(({ externalId, meter, blockedAt, calls, quantity, cost }) => [
          externalId,
          meter,
          nearText(blockedAt, now),
          String(calls),
          measuredText(quantity, units.get(meter) ?? ''),
          moneyText(cost, style),
        ]),
      { head: ['user', 'meter', 'blocked', 'calls', 'quantity', 'cost'], left: ['user', 'meter', 'blocked'] },
      style,
    ).map((line) => `  ${line}`),
    ...(hidden > 0 ? [style.dim(`  … ${hidden} more; --output csv has all`)] : []),
    ...foldText(
      'Resets by operators and grants are not replayed: they answered the limits that there were.',
      2,
      style,
      style.dim,
    ),
  ].join('\n');
}
