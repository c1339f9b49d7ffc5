import { type AlertState, readAlerts, selectAlerts } from '../../alerts/alert-list-store.ts';
import { meantUser } from '../../asking/meant-user.ts';
import type { Column, Row } from '../../context.ts';
import { defineCommand } from '../../declarations/command.ts';
import { flag, value } from '../../declarations/option.ts';
import { limitOption } from '../../declarations/page-options.ts';
import { anyUserArgument } from '../../declarations/user-argument.ts';
import { exitCodes } from '../../errors.ts';
import { nearText } from '../../text/time-text.ts';
import { parseChoice } from '../../values/option-values.ts';

const limitDefault = 50;

/** `quota alerts list`: `{alerts: [AlertState]}`. */
export const alertsList = defineCommand(
  {
    arguments: anyUserArgument,
    options: {
      active: flag('only what is so now'),
      open: flag('only what nobody has acknowledged'),
      delivery: value(
        'status',
        'only pending, failed, delivered, expired, withdrawn or past ones',
        parseChoice('pending', 'failed', 'delivered', 'expired', 'withdrawn', 'past'),
      ),
      ...limitOption,
    },
    examples: [
      ['quota alerts list --active --open', 'what is so now, and seen by nobody'],
      ['quota alerts list ada@example.com --json', 'all of ada'],
      ['quota alerts list --open --output csv', 'as a sheet, with limits of the operator'],
      ['quota alerts list --delivery failed', 'what the receiver did not take'],
    ],
  },
  async (context, { user, limit, ...filter }) => {
    const { output } = context;
    await context.withDatabase(async ({ client }) => {
      const userId = user === undefined ? undefined : (await meantUser(context, client, user)).id;
      if (output.format === 'csv' || output.format === 'ndjson') {
        await output.stream(allColumns, rowsOf(readAlerts(client, { ...filter, userId, limit })));
        return;
      }
      const alerts = await selectAlerts(client, { ...filter, userId, limit: limit ?? limitDefault });
      const rows = alerts.map((alert) => tableRow(alert, context.now()));
      await output.write({ data: { alerts }, rows, columns });
    });
    return exitCodes.ok;
  },
);

async function* rowsOf(alerts: AsyncIterable<AlertState>): AsyncGenerator<Row> {
  for await (const alert of alerts) {
    yield { ...alert };
  }
}

const columns: Column[] = [
  { key: 'user' },
  { key: 'meter' },
  { key: 'threshold', align: 'right' },
  { key: 'percent', align: 'right' },
  { key: 'level' },
  { key: 'crossed', isWhole: true },
  { key: 'now' },
  { key: 'delivery', isExtra: true },
  { key: 'id', isWhole: true },
];

const allColumns: Column[] = [
  'id',
  'kind',
  'user',
  'userId',
  'service',
  'meter',
  'threshold',
  'level',
  'active',
  'percent',
  'value',
  'limit',
  'day',
  'crossedAt',
  'endedAt',
  'acknowledgedAt',
  'delivery',
  'attempts',
  'lastError',
].map((key) => ({ key }));

const kindText = { usage: 'usage', daily_cost: 'cost of a day', error_rate: 'errors of a day' };

function tableRow(
  { crossedAt, active, acknowledgedAt, delivery, lastError, ...alert }: AlertState,
  now: Date,
): Row {
  const { kind, service, user, meter } = alert;
  const state = active ? 'so' : 'over';
  return {
    ...alert,
    user: user ?? `(${service ?? 'all services'})`,
    meter: meter ?? kindText[kind],
    threshold: kind === 'usage' && alert.threshold === 0 ? 'pace' : `${alert.threshold} %`,
    crossed: nearText(crossedAt, now),
    now: acknowledgedAt === null ? state : `${state}, seen`,
    delivery: lastError === null ? delivery : `${delivery}: ${lastError}`,
  };
}
