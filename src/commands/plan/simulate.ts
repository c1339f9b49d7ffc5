import { readPlanDocument } from '../../allowances/plans/plan-document.ts';
import { type SimulationResult, simulatePlans } from '../../allowances/plans/simulate-plans.ts';
import type { Context, Style } from '../../context.ts';
import { type ExitCode, exitCodes, usageError } from '../../errors.ts';
import { minuteText } from '../../usage/instant-text.ts';

export interface PlanSimulateOptions {
  file: string;
  from: string;
  to: string;
  usersOf?: string;
}

/** The dearest ones, for a person; every other format has all. */
const blocksShownMax = 20;

/** `quota plan simulate`: the data is a `SimulationResult`; csv and ndjson have one line per blocked period. */
export async function planSimulate(context: Context, options: PlanSimulateOptions): Promise<ExitCode> {
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
}

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
