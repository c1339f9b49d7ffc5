import type pg from 'pg';
import { insertAuditEntry } from '../../audit/audit-entry-store.ts';
import { withTransaction } from '../../db/transaction.ts';
import { notFoundError, refusedError, usageError } from '../../errors.ts';
import { quantityIn } from '../../values/quantity.ts';
import {
  type SessionReference,
  type SessionState,
  selectSessionsByKey,
  updateSettled,
} from './session-store.ts';

export interface SettleRequest extends SessionReference {
  /** As typed; the one that its service is measured in. */
  seconds: string | undefined;
  messages: string | undefined;
  quantity: string | undefined;
  cost: string | undefined;
}

export interface SettlePlan {
  session: SessionState;
  /** In the unit of its service, an exact decimal. */
  quantity: string;
  cost: string | undefined;
}

/**
 * What settling a session by hand would do.
 * @throws notFoundError for an unknown key; usageError where it names several calls, or the figure is of another unit;
 *   refusedError when the end is known
 */
export async function planSettle(client: pg.ClientBase, request: SettleRequest): Promise<SettlePlan> {
  const session = await requireSession(client, request);
  if (session.state === 'ended') {
    throw refusedError(`the end of "${request.key}" is known: ${session.quantity} ${session.unit}s`, {
      detail: session.settledBy === null ? 'its end told it' : `told by: ${session.settledBy}`,
      suggestion: `quota user adjust ${session.user} corrects what counts; a bill does it by quota reconcile resolve`,
    });
  }
  const name = ({ second: 'seconds', message: 'messages' } as const)[String(session.unit)] ?? 'quantity';
  const given = request[name];
  const flag = `--${name}`;
  const isOne = [request.seconds, request.messages, request.quantity].filter(Boolean).length === 1;
  if (given === undefined || !isOne) {
    throw usageError(`${session.service} is counted in ${session.unit}s`, { suggestion: `give ${flag}` });
  }
  return { session, quantity: quantityIn(session.unit, given), cost: request.cost };
}

async function requireSession(client: pg.ClientBase, request: SettleRequest): Promise<SessionState> {
  const found = await selectSessionsByKey(client, request);
  // Somebody's key can look like our number of another call: the key is meant.
  const byKey = found.filter(({ key }) => key === request.key);
  const meant = byKey.length > 0 ? byKey : found;
  const [session] = meant;
  if (session === undefined) {
    throw notFoundError(`no call "${request.key}"`, {
      detail:
        'looked for running sessions, estimates, and calls whose provider has the name of their service',
      suggestion:
        'quota usage sessions lists what can be settled; --provider P names the provider of another',
    });
  }
  if (meant.length > 1) {
    throw usageError(`several calls have the key "${request.key}"`, {
      detail: meant.map(({ provider, user, state }) => `${provider}: of ${user}, ${state}`).join('\n'),
      suggestion: 'name one by --provider or --user',
    });
  }
  return session;
}

/**
 * Settles the session, in one transaction with its audit row; its reservation goes, and its quotas follow.
 * @returns null when its end was told in the meantime
 */
export function applySettle(
  client: pg.ClientBase,
  { session, quantity, cost }: SettlePlan,
  reason: string,
): Promise<{ auditId: string } | null> {
  const { callLogId, userId, service, key, unit } = session;
  return withTransaction(client, async () => {
    const isSettled = await updateSettled(client, {
      callLogId,
      seconds: unit === 'second' ? quantity : null,
      messages: unit === 'message' ? quantity : null,
      quantities: unit === 'second' || unit === 'message' ? null : { [`${unit}s`]: quantity },
      cost,
    });
    if (!isSettled) {
      return null;
    }
    const auditId = await insertAuditEntry(client, {
      action: 'session.settled',
      userId,
      service,
      subject: key ?? callLogId,
      reason,
      before: {
        state: session.state,
        quantity: session.quantity,
        cost: session.cost,
        settledBy: session.settledBy,
      },
      after: { state: 'ended', quantity, cost: cost ?? session.cost, settledBy: 'operator' },
    });
    return { auditId };
  });
}
