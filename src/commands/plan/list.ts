import { selectMeters } from '../../allowances/meters/meter-store.ts';
import type { LimitDefinition } from '../../allowances/plans/plan.ts';
import { selectPlans } from '../../allowances/plans/plan-store.ts';
import { defineCommand } from '../../declarations/command.ts';
import { exitCodes } from '../../errors.ts';
import { moneyText } from '../../text/sum-text.ts';
import { bytesText } from '../../values/bytes.ts';
import { durationText } from '../../values/duration.ts';

/** `quota plan list`: an array of plan definitions, each with its `version` and `subscribers`. */
export const planList = defineCommand(
  {
    examples: [
      ['quota plan list', ''],
      ['quota plan list --json', 'every field'],
    ],
  },
  async (context) => {
    const { stored, units } = await context.withDatabase(async ({ client }) => ({
      stored: await selectPlans(client, null),
      units: new Map((await selectMeters(client)).map(({ key, unit }) => [key, unit])),
    }));
    const data = stored.map(({ definition, version, subscribers }) => ({
      ...definition,
      version,
      subscribers,
    }));
    await context.output.write({
      data,
      rows: data.map((plan) => ({
        ...plan,
        isDefault: plan.isDefault ? 'default' : plan.anonymous ? 'anonymous' : '',
        limits: plan.limits.map((limit) => limitText(limit, units, context.settings.currency)).join('; '),
      })),
      columns: [
        { key: 'key', title: 'plan' },
        { key: 'service' },
        { key: 'name', isExtra: true },
        { key: 'isDefault', title: 'for' },
        { key: 'limits', isKept: true },
        { key: 'version', align: 'right' },
        { key: 'subscribers', align: 'right' },
      ],
    });
    return exitCodes.ok;
  },
);

const limitQuantity = (limit: string, unit: string | undefined) =>
  unit === 'second' ? durationText(limit) : unit === 'byte' ? bytesText(limit) : limit;

/** `voice_seconds 10m per 1 month`, `avatar_seconds 20m ever` */
function limitText(
  { meter, limit, costLimit, resetEvery }: LimitDefinition,
  units: ReadonlyMap<string, string>,
  currency: string,
) {
  const quantity = limit === null ? [] : [limitQuantity(limit, units.get(meter))];
  const terms = [...quantity, ...(costLimit === null ? [] : [`cost ${moneyText(costLimit, { currency })}`])];
  const every = resetEvery === null ? 'ever' : `per ${resetEvery.replace(/^1 /, '')}`;
  return `${meter} ${terms.length === 0 ? 'unlimited' : `${terms.join(' and ')} ${every}`}`;
}
