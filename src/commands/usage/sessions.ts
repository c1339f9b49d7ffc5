import { meantUser } from '../../asking/meant-user.ts';
import type { Column, Row } from '../../context.ts';
import { defineCommand } from '../../declarations/command.ts';
import { limitOption } from '../../declarations/page-options.ts';
import { anyUserArgument } from '../../declarations/user-argument.ts';
import { exitCodes } from '../../errors.ts';
import { quantityFormat } from '../../text/quantity-text.ts';
import { nearText } from '../../text/time-text.ts';
import { type SessionState, selectSessions } from '../../usage/sessions/session-store.ts';

const limitDefault = 50;

/** `quota usage sessions`: `{sessions: [SessionState]}`, the latest first. */
export const usageSessions = defineCommand(
  {
    arguments: anyUserArgument,
    options: limitOption,
    examples: [
      ['quota usage sessions', 'what runs, and what was settled at an estimate'],
      ['quota usage sessions user_00042 --json', 'of one user'],
    ],
  },
  async (context, { user, limit = limitDefault }) => {
    const sessions = await context.withDatabase(async ({ client }) =>
      selectSessions(client, {
        userId: user === undefined ? undefined : (await meantUser(context, client, user)).id,
        limit,
      }),
    );
    await context.output.write({
      data: { sessions },
      rows: sessions.map((row) => tableRow(row, context.now())),
      columns,
    });
    return exitCodes.ok;
  },
);

const columns: Column[] = [
  { key: 'id', align: 'right' },
  { key: 'key' },
  { key: 'user' },
  { key: 'service' },
  { key: 'state' },
  { key: 'started' },
  { key: 'counted', align: 'right' },
  { key: 'by' },
  { key: 'reserved', align: 'right' },
  { key: 'told', align: 'right' },
  { key: 'alive until' },
];

function tableRow(session: SessionState, now: Date): Row {
  const { text } = quantityFormat(session.unit, session.reserved ?? session.quantity ?? '0');
  const orNothing = (quantity: string | null) => (quantity === null ? null : text(quantity));
  return {
    id: session.callLogId,
    key: session.key,
    user: session.user,
    service: session.service,
    state: session.state,
    started: nearText(session.startedAt, now),
    counted: orNothing(session.quantity),
    by: session.settledBy,
    reserved: orNothing(session.reserved),
    told: orNothing(session.progress),
    'alive until': session.expiresAt === null ? null : nearText(session.expiresAt, now),
  };
}
