import { type GrantState, readGrants, selectGrants } from '../../allowances/grants/revoke-store.ts';
import { meantUser } from '../../asking/meant-user.ts';
import type { Column, Row } from '../../context.ts';
import { defineCommand } from '../../declarations/command.ts';
import { flag } from '../../declarations/option.ts';
import { limitOption } from '../../declarations/page-options.ts';
import { anyUserArgument } from '../../declarations/user-argument.ts';
import { exitCodes } from '../../errors.ts';
import { quantityFormat } from '../../text/quantity-text.ts';
import { nearText } from '../../text/time-text.ts';

const limitDefault = 50;

/** `quota grants list`: `{grants: [GrantState]}`. */
export const grantsList = defineCommand(
  {
    arguments: anyUserArgument,
    options: { live: flag('only those that still have something'), ...limitOption },
    examples: [
      ['quota grants list ada@example.com', 'all that ada was given'],
      ['quota grants list --live --json', 'what is out, of everybody'],
    ],
  },
  async (context, { user, live, limit }) => {
    const { output } = context;
    await context.withDatabase(async ({ client }) => {
      const userId = user === undefined ? undefined : (await meantUser(context, client, user)).id;
      if (output.format === 'csv' || output.format === 'ndjson') {
        await output.stream(columns, rowsOf(readGrants(client, { userId, live, limit }), context.now()));
        return;
      }
      const grants = await selectGrants(client, { userId, live, limit: limit ?? limitDefault });
      await output.write({
        data: { grants },
        rows: grants.map((row) => tableRow(row, context.now())),
        columns,
      });
    });
    return exitCodes.ok;
  },
);

async function* rowsOf(grants: AsyncIterable<GrantState>, now: Date): AsyncGenerator<Row> {
  for await (const grant of grants) {
    yield tableRow(grant, now);
  }
}

const columns: Column[] = [
  { key: 'id', align: 'right' },
  { key: 'user' },
  { key: 'meter' },
  { key: 'quantity', align: 'right' },
  { key: 'given', align: 'right' },
  { key: 'left', align: 'right' },
  { key: 'state', isKept: true },
  { key: 'at' },
  { key: 'expires' },
  { key: 'actor' },
  { key: 'reason' },
];

function tableRow(grant: GrantState, now: Date): Row {
  const { text } = quantityFormat(grant.unit, grant.quantity);
  return {
    id: grant.id,
    user: grant.user,
    meter: grant.meter,
    quantity: text(grant.quantity),
    given: text(grant.given),
    left: text(grant.left),
    state: grant.state,
    at: nearText(grant.createdAt, now),
    expires: grant.expiresAt === null ? 'never' : nearText(grant.expiresAt, now),
    actor: grant.actor,
    reason: grant.reason,
  };
}
