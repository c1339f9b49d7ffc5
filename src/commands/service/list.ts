import type { Column } from '../../context.ts';
import { defineCommand } from '../../declarations/command.ts';
import { exitCodes } from '../../errors.ts';
import { minuteText } from '../../text/time-text.ts';
import { selectServiceSettings } from '../../upkeep/service-settings-store.ts';

/** `quota service list`: `{services: [ServiceSettings]}`. */
export const serviceList = defineCommand(
  {
    examples: [
      ['quota service list', 'limits of a day, and how long details are kept'],
      ['quota service list --json', 'for a script'],
    ],
  },
  async (context) => {
    const services = await context.withDatabase(({ client }) => selectServiceSettings(client));
    await context.output.write({
      data: { services },
      rows: services.map(({ changedAt, ...service }) => ({
        ...service,
        changedAt: changedAt === null ? null : minuteText(changedAt),
      })),
      columns,
    });
    return exitCodes.ok;
  },
);

const columns: Column[] = [
  { key: 'service' },
  { key: 'maxDailyCost', align: 'right' },
  { key: 'maxErrorPercent', align: 'right' },
  { key: 'keepDetailsDays', align: 'right' },
  { key: 'changedAt' },
  { key: 'changedBy' },
];
