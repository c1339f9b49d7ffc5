import type { Column, Context, Row } from '../../context.ts';
import { type ExitCode, exitCodes } from '../../errors.ts';
import { shellWord } from '../../shell-word.ts';
import { minuteText } from '../../usage/instant-text.ts';
import { quantityFormat } from '../../usage/quantity-text.ts';
import type { QuotaState } from '../../usage/usage.ts';
import { openUserList, readUserPage, type UserPage } from '../../users/list-users.ts';
import type { UserListEntry, UserListOrder, UserListRequest } from '../../users/user-list.ts';

export interface UserListOptions {
  service?: string[];
  plan?: string[];
  state?: QuotaState[];
  limited?: boolean;
  search?: string;
  sort?: UserListOrder;
  limit?: number;
  after?: string;
}

/** Of a page for a person or in JSON; csv and ndjson have all there is unless `--limit` is given. */
const limitDefault = 50;

/** `quota user list`: the data is a `UserPage`; csv and ndjson are streamed. */
export async function userList(context: Context, options: UserListOptions): Promise<ExitCode> {
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
  if (context.output.format === 'csv' || context.output.format === 'ndjson') {
    await streamList(context, request);
  } else {
    await writePage(context, { ...request, limit: request.limit ?? limitDefault });
  }
  return exitCodes.ok;
}

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
  const data = await context.withDatabase(({ client }) => readUserPage(client, request));
  await context.output.write<UserPage>({ data, rows: data.users.map(tableRow), columns: tableColumns });
  if (data.next !== null) {
    context.talk.info(`There are more: --after ${shellWord(data.next)}`);
  }
}

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
].map((key) => ({ key }));

const tableColumns: Column[] = [
  { key: 'externalId', title: 'user' },
  { key: 'email' },
  { key: 'plan' },
  { key: 'meter' },
  { key: 'used', align: 'right' },
  { key: 'limit', align: 'right' },
  { key: 'percent', title: '%', align: 'right' },
  { key: 'state' },
  { key: 'limited', title: 'assistants' },
  { key: 'nextResetAt', title: 'next reset' },
];

/** For people: durations as clocks, instants to the minute. */
function tableRow({ externalId, email, plan, meter, percent, state, ...entry }: UserListEntry): Row {
  const { used, limit, unit, limitEnforcedAt, nextResetAt } = entry;
  const format = quantityFormat(unit ?? 'message', limit ?? used ?? '0');
  return {
    externalId,
    email,
    plan,
    meter,
    used: used === null ? null : format.text(used),
    limit: limit === null ? null : format.text(limit),
    percent,
    state,
    limited: limitEnforcedAt === null ? null : 'limited',
    nextResetAt: nextResetAt === null ? null : minuteText(nextResetAt),
  };
}
