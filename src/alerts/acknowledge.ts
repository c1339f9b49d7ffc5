import type pg from 'pg';
import { withTransaction } from '../db/transaction.ts';
import { notFoundError } from '../errors.ts';
import { type AlertState, acknowledgeAlerts, selectAlerts } from './alert-list-store.ts';

export interface AcknowledgePlan {
  /** Those that nobody acknowledged yet. */
  alerts: AlertState[];
}

/** One alert, or all of a user that are so now. @throws notFoundError when there is no such alert */
export async function planAcknowledge(
  client: pg.ClientBase,
  which: { id: string } | { userId: string },
): Promise<AcknowledgePlan> {
  const found = await selectAlerts(client, 'id' in which ? which : { ...which, active: true, open: true });
  if ('id' in which && found.length === 0) {
    throw notFoundError(`no alert ${which.id}`, { suggestion: 'quota alerts list --json tells their ids' });
  }
  return { alerts: found.filter(({ acknowledgedAt }) => acknowledgedAt === null) };
}

/** @returns the alerts as they are then */
export function applyAcknowledge(
  client: pg.ClientBase,
  { alerts }: AcknowledgePlan,
  reason: string | undefined,
): Promise<AlertState[]> {
  return withTransaction(client, async () => {
    await acknowledgeAlerts(client, alerts, reason);
    const acknowledged: AlertState[] = [];
    for (const { id } of alerts) {
      acknowledged.push(...(await selectAlerts(client, { id })));
    }
    return acknowledged;
  });
}
