import { selectStoredMeters } from '../../allowances/meters/meter-store.ts';
import { defineCommand } from '../../declarations/command.ts';
import { exitCodes } from '../../errors.ts';

/** `quota meter list`: an array of meter definitions, each with its `plans` and `changedAt`. */
export const meterList = defineCommand(
  {
    examples: [
      ['quota meter list', ''],
      ['quota meter list --json', 'every field'],
    ],
  },
  async (context) => {
    const stored = await context.withDatabase(({ client }) => selectStoredMeters(client));
    const data = stored.map(({ definition, plans, changedAt }) => ({ ...definition, plans, changedAt }));
    await context.output.write({
      data,
      rows: data.map((meter) => ({
        ...meter,
        models: meter.models?.join(', ') ?? 'all',
        plans: meter.plans.join(', '),
      })),
      columns: [
        { key: 'key', title: 'meter' },
        { key: 'service' },
        { key: 'unit' },
        { key: 'models' },
        { key: 'rounding', align: 'right' },
        { key: 'creditSeconds', title: 'credit seconds', align: 'right' },
        { key: 'isLive', title: 'live' },
        { key: 'plans' },
      ],
    });
    return exitCodes.ok;
  },
);
