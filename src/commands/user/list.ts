import type { Column, Context, Row, RowOrder } from '../../context.ts';
import { defineCommand } from '../../declarations/command.ts';
import { flag, repeated, value } from '../../declarations/option.ts';
import { pageOptions } from '../../declarations/page-options.ts';
import { exitCodes } from '../../errors.ts';
import { shellWord } from '../../shell-word.ts';
import { quantityFormat } from '../../text/quantity-text.ts';
import { nearText } from '../../text/time-text.ts';
import {
  formatPosition,
  openUserList,
  type PlacedPage,
  readUserPage,
  type UserPage,
} from '../../usage/list/list-users.ts';
import type { UserListEntry, UserListRequest } from '../../usage/list/user-list.ts';
import { parseChoice, parseName } from '../../values/option-values.ts';

/** Of a page for a person or in JSON; csv and ndjson have all there is unless `--limit` is given. */
const limitDefault = 50;

/** `quota user list`: the data is a `UserPage`; csv and ndjson are streamed. */
export const userList = defineCommand(
  {
    options: {
      service: repeated('service', 'only this service; can be repeated', parseName),
      plan: repeated('plan', 'only this plan; can be repeated', parseName),
      state: repeated(
        'state',
        'only ok, warning, critical or exceeded; can be repeated',
        parseChoice('ok', 'warning', 'critical', 'exceeded'),
      ),
      limited: flag('only where assistants are limited'),
      search: value('text', 'only where external id, email or name contains this'),
      sort: value('order', 'by name or by percent used', parseChoice('name', 'percent')),
      ...pageOptions,
    },
    examples: [
      ['quota user list --state exceeded --sort percent', 'who has run out'],
      ['quota user list --service voice --limited', 'whose assistants are limited'],
      ['quota user list --search example.com --output csv', 'all of them, for a spreadsheet'],
      ["quota user list --after 'user_00049/voice'", 'the next page'],
    ],
  },
  async (context, options) => {
    const request: UserListRequest = {
      services: options.service ?? [],
      plans: options.plan ?? [],
      states: options.state ?? [],
      limited: options.limited === true,
      search: options.search,
      order: options.sort ?? 'name',
      after: options.after,
      limit: options.limit,
    };
    // A page of all shards in one order is put together of a page of each.
    const isOnePage = isPartOfOrder(context, request) && request.limit !== undefined;
    if (isOfRows(context) && !isOnePage) {
      await streamList(context, request);
    } else {
      await writePage(context, { ...request, limit: request.limit ?? limitDefault });
    }
    return exitCodes.ok;
  },
);

/** The output is rows alone, without what goes around them. */
const isOfRows = ({ output }: Context): boolean => output.format === 'csv' || output.format === 'ndjson';

/** The rows are put in one order with those of other shards. */
const isPartOfOrder = ({ output }: Context, { order }: UserListRequest): boolean =>
  output.isPart === true && order === 'percent';

async function streamList(context: Context, request: UserListRequest): Promise<void> {
  await context.withDatabase(async ({ client }) => {
    const placed = await openUserList(client, request);
    await context.output.stream(entryColumns, entriesOf(placed));
  });
}

async function* entriesOf(placed: AsyncIterable<{ entry: UserListEntry }>): AsyncGenerator<Row> {
  for await (const { entry } of placed) {
    yield { ...entry };
  }
}

async function writePage(context: Context, request: UserListRequest & { limit: number }): Promise<void> {
  const page = await context.withDatabase(({ client }) => readUserPage(client, request));
  const { users, next } = page;
  const isPaced = users.some(({ runsOutAt }) => runsOutAt !== null);
  const named = request.search === undefined ? tableColumns : withName;
  const order = request.order === 'percent' ? { order: orderOf(page, request.limit) } : {};
  await context.output.write<UserPage>({
    data: { users, next },
    ...(isOfRows(context)
      ? { rows: users.map((row) => ({ ...row })), columns: entryColumns }
      : {
          rows: users.map((row) => tableRow(row, context.now())),
          columns: isPaced ? [...named, paceColumn] : named,
        }),
    ...order,
  });
  if (next !== null && !isPartOfOrder(context, request)) {
    context.talk.info(`There are more: --after ${shellWord(next)}`);
  }
}

/** Names are ordered as each database does it; percents and ids are the same everywhere. */
const orderOf = ({ positions, next }: PlacedPage, limit: number): RowOrder => ({
  places: positions.map(({ percent, name, service }) => [-Number(percent), name, service]),
  afters: positions.map((position) => formatPosition(position, 'percent')),
  limit,
  hasMore: next !== null,
});

const entryColumns: Column[] = [
  'id',
  'externalId',
  'email',
  'name',
  'service',
  'plan',
  'meter',
  'unit',
  'limit',
  'granted',
  'used',
  'remaining',
  'percent',
  'state',
  'limitEnforcedAt',
  'nextResetAt',
  'runsOutAt',
].map((key) => ({ key }));

const tableColumns: Column[] = [
  { key: 'externalId', title: 'user' },
  { key: 'email', isExtra: true },
  { key: 'plan' },
  { key: 'meter' },
  { key: 'used', align: 'right' },
  { key: 'limit', align: 'right' },
  { key: 'percent', title: '%', align: 'right', isKept: true },
  { key: 'state', isKept: true },
  { key: 'limited', title: 'assistants' },
  { key: 'nextResetAt', title: 'next reset', isWhole: true },
];

/** Beside what is searched for by name: why a row is there is to be seen. */
const withName: Column[] = tableColumns.toSpliced(1, 0, { key: 'name' });

/** Shown where somebody runs out before the reset. */
const paceColumn: Column = { key: 'runsOutAt', title: 'runs out', isWhole: true };

/** For people: durations as clocks, instants to the minute. */
function tableRow(
  { externalId, name, email, plan, percent, state, ...entry }: UserListEntry,
  now: Date,
): Row {
  const { meter, used, limit, granted, unit, runsOutAt, limitEnforcedAt, nextResetAt } = entry;
  const format = quantityFormat(unit ?? 'message', limit ?? used ?? '0');
  return {
    externalId,
    name,
    email,
    plan,
    meter: meter !== null && isByCost({ used, limit, granted, percent }) ? `${meter}, cost` : meter,
    used: used === null ? null : format.text(used),
    limit: limit === null ? null : format.text(limit),
    percent,
    state,
    runsOutAt: runsOutAt === null ? null : nearText(runsOutAt, now),
    limited: limitEnforcedAt === null ? null : 'limited',
    nextResetAt: nextResetAt === null ? null : nearText(nextResetAt, now),
  };
}

/** The percentage is that of the money, where more of it is used than of the quantity. */
const isByCost = ({
  used,
  limit,
  granted,
  percent,
}: Pick<UserListEntry, 'used' | 'limit' | 'granted' | 'percent'>): boolean => {
  const allowance = limit === null ? Number.POSITIVE_INFINITY : Number(limit) + Number(granted);
  return percent !== null && Number(percent) > (Number(used) / allowance) * 100 + 0.01;
};
