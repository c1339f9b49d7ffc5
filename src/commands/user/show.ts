import { meantUser } from '../../asking/meant-user.ts';
import { defineCommand } from '../../declarations/command.ts';
import { userArgument } from '../../declarations/user-argument.ts';
import { exitCodes } from '../../errors.ts';
import { readClock } from '../../usage/clock.ts';
import { readUsage } from '../../usage/read-usage.ts';
import type { UserUsage } from '../../usage/usage.ts';
import { clockReadings, usageText } from './show-text.ts';

/** `quota user show`: the data is a `UserUsage`; csv and ndjson have one line per meter. */
export const userShow = defineCommand(
  {
    arguments: userArgument,
    examples: [
      ['quota user show ada@example.com', 'what support asks'],
      ['quota user show user_00042 --json', 'for scripts: .subscriptions[].quotas[].remaining'],
      ['quota user show user_00042 --as-of 2026-12-01', 'as it will be on the first of December'],
    ],
  },
  async (context, options) => {
    const { data, clock } = await context.withDatabase(async ({ client }) => {
      const usage = await readUsage(client, await meantUser(context, client, options.user));
      const readings = context.output.format === 'table' ? clockReadings(usage) : [];
      return { data: usage, clock: await readClock(client, readings) };
    });
    await context.output.write({
      data,
      rows: meterRows(data),
      columns,
      text: (usage, style) => usageText(usage, { now: context.now(), clock }, style),
    });
    return exitCodes.ok;
  },
);

const columns = [
  'externalId',
  'email',
  'service',
  'plan',
  'meter',
  'unit',
  'periodStart',
  'periodEnd',
  'limit',
  'granted',
  'used',
  'adjusted',
  'remaining',
  'percent',
  'state',
  'cost',
  'costLimit',
  'exhaustedAt',
  'nextResetAt',
  'limitEnforcedAt',
].map((key) => ({ key }));

const meterRows = ({ user: { externalId, email }, subscriptions }: UserUsage) =>
  subscriptions.flatMap(({ service, plan, nextResetAt, limitEnforcedAt, quotas }) =>
    quotas.map(({ period, ...quota }) => ({
      externalId,
      email,
      service,
      plan,
      ...quota,
      periodStart: period.start,
      periodEnd: period.end,
      nextResetAt,
      limitEnforcedAt,
    })),
  );
