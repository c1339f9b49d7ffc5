import type { Column, Context, Row } from '../../context.ts';
import { defineCommand } from '../../declarations/command.ts';
import { exitCodes } from '../../errors.ts';
import { moneyText } from '../../text/sum-text.ts';
import { nearText } from '../../text/time-text.ts';
import { selectServiceSettings } from '../../upkeep/service-settings-store.ts';
import type { ServiceSettings } from '../../upkeep/service-terms.ts';
import { counted } from '../../values/counted.ts';

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
      rows: services.map((row) => (context.output.format === 'table' ? tableRow(row, context) : { ...row })),
      columns,
    });
    return exitCodes.ok;
  },
);

const columns: Column[] = [
  { key: 'service' },
  { key: 'maxDailyCost', title: 'most cost of a day', align: 'right' },
  { key: 'maxErrorPercent', title: 'most errors', align: 'right' },
  { key: 'keepDetailsDays', title: 'details kept', align: 'right' },
  { key: 'changedAt', title: 'changed', isWhole: true },
  { key: 'changedBy', title: 'by' },
];

const tableRow = (service: ServiceSettings, { settings, now }: Context): Row => ({
  service: service.service,
  maxDailyCost: service.maxDailyCost === null ? null : moneyText(service.maxDailyCost, settings),
  maxErrorPercent: service.maxErrorPercent === null ? null : `${service.maxErrorPercent} %`,
  keepDetailsDays: service.keepDetailsDays === null ? null : counted(service.keepDetailsDays, 'day'),
  changedAt: service.changedAt === null ? null : nearText(service.changedAt, now()),
  changedBy: service.changedBy,
});
