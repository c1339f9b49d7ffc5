import { meantUser } from '../../asking/meant-user.ts';
import type { Column, Context, Row } from '../../context.ts';
import { defineCommand } from '../../declarations/command.ts';
import { repeated } from '../../declarations/option.ts';
import { pageOptions } from '../../declarations/page-options.ts';
import { userArgument } from '../../declarations/user-argument.ts';
import { exitCodes } from '../../errors.ts';
import { shellWord } from '../../shell-word.ts';
import { quantityFormat } from '../../text/quantity-text.ts';
import { nearText } from '../../text/time-text.ts';
import { type HistoryPage, type HistoryRequest, openHistory, readHistoryPage } from '../../usage/history.ts';
import type { PeriodUsage } from '../../usage/period-usage.ts';
import { minuteText } from '../../values/instant.ts';
import { parseName } from '../../values/option-values.ts';

/** Of a page for a person or in JSON; csv and ndjson have all there is unless `--limit` is given. */
const limitDefault = 50;

/** `quota user history`: the data is a `HistoryPage`; csv and ndjson are streamed. */
export const userHistory = defineCommand(
  {
    arguments: userArgument,
    options: {
      service: repeated('service', 'only the meters of this service; can be repeated', parseName),
      meter: repeated('meter', 'only this meter; can be repeated', parseName),
      ...pageOptions,
    },
    examples: [
      ['quota user history ada', 'the last periods'],
      ['quota user history ada --meter voice_seconds --json', 'with who reset it, when and why'],
      ['quota user history ada --output csv', 'all periods, for a spreadsheet'],
    ],
  },
  async (context, options) => {
    const { service: services = [], meter: meters = [], after, limit } = options;
    const request: HistoryRequest = { services, meters, after, limit };
    if (context.output.format === 'csv' || context.output.format === 'ndjson') {
      await streamHistory(context, options.user, request);
    } else {
      await writePage(context, options.user, { ...request, limit: limit ?? limitDefault });
    }
    return exitCodes.ok;
  },
);

async function streamHistory(
  context: Context,
  reference: string | undefined,
  request: HistoryRequest,
): Promise<void> {
  await context.withDatabase(async ({ client }) => {
    const user = await meantUser(context, client, reference);
    const rows = rowsOf(openHistory(client, user, request), user.externalId, context.output.format === 'csv');
    await context.output.stream(periodColumns, rows);
  });
}

async function* rowsOf(
  periods: AsyncIterable<{ usage: PeriodUsage }>,
  externalId: string,
  flat: boolean,
): AsyncGenerator<Row> {
  for await (const { usage } of periods) {
    const { period, resets, ...rest } = usage;
    yield {
      externalId,
      ...rest,
      periodStart: period.start,
      periodEnd: period.end,
      resets: flat ? resets.length : resets,
    };
  }
}

async function writePage(
  context: Context,
  reference: string | undefined,
  request: HistoryRequest & { limit: number },
): Promise<void> {
  const data = await context.withDatabase(async ({ client }) =>
    readHistoryPage(client, await meantUser(context, client, reference), request),
  );
  await context.output.write<HistoryPage>({
    data,
    rows: data.periods.map((period) => tableRow(period, context.now())),
    columns: tableColumns,
  });
  if (data.next !== null) {
    context.talk.info(`There are more: --after ${shellWord(data.next)}`);
  }
}

const periodColumns: Column[] = [
  'externalId',
  'service',
  'meter',
  'unit',
  'periodStart',
  'periodEnd',
  'limit',
  'granted',
  'used',
  'adjusted',
  'usedAtClose',
  'late',
  'cost',
  'calls',
  'exhaustedAt',
  'closedAt',
  'superseded',
  'resets',
  'estimated',
].map((key) => ({ key }));

const tableColumns: Column[] = [
  { key: 'meter' },
  { key: 'from', isWhole: true },
  { key: 'to', isWhole: true, isExtra: true },
  { key: 'used', align: 'right', isKept: true },
  { key: 'limit', align: 'right', isKept: true },
  { key: 'adjusted', align: 'right' },
  { key: 'estimated', align: 'right' },
  { key: 'late', align: 'right' },
  { key: 'calls', align: 'right' },
  { key: 'resets', align: 'right' },
  { key: 'closed' },
];

/** For people: durations as clocks, instants in UTC to the minute and how far they are. */
function tableRow({ meter, unit, period, resets, ...usage }: PeriodUsage, now: Date): Row {
  const { text } = quantityFormat(unit, usage.limit ?? usage.used);
  const orNothing = (quantity: string | null) =>
    quantity === null || Number(quantity) === 0 ? null : text(quantity);
  const closed = usage.closedAt === null ? 'open' : nearText(usage.closedAt, now);
  return {
    meter,
    from: period.start === null ? 'ever' : minuteText(period.start),
    to: period.end === null ? 'ever' : nearText(period.end, now),
    used: text(usage.used),
    limit: usage.limit === null ? null : text(usage.limit),
    adjusted: orNothing(usage.adjusted),
    estimated: orNothing(usage.estimated),
    late: orNothing(usage.late),
    calls: usage.calls,
    resets: resets.length === 0 ? null : resets.length,
    closed: usage.superseded ? `${closed} (former plan)` : closed,
  };
}
