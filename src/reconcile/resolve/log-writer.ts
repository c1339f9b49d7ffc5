import type pg from 'pg';
import { keepAlertsQuiet } from '../../usage/past-usage-store.ts';
import {
  type BilledCall,
  insertBilledCalls,
  type LogCorrection,
  updateLogsFromBill,
} from './resolution-store.ts';

/** Where the logs are that a bill adds and corrects. */
export interface LogWriter {
  /** Before the transaction that resolves: finds out what it needs to know of these discrepancies. */
  prepare(client: pg.ClientBase, discrepancies: readonly string[]): Promise<void>;
  /** Within it. Returns how many were added; those that are there already are left alone. */
  add(client: pg.ClientBase, calls: readonly BilledCall[], reason: string): Promise<number>;
  /** Within it. Returns how many were changed. */
  change(client: pg.ClientBase, corrections: readonly LogCorrection[], reason: string): Promise<number>;
}

/** In the same database, in the transaction that resolves. */
export const ownLogs: LogWriter = {
  prepare: async () => {},
  add: async (client, calls, reason) => {
    await keepAlertsQuiet(client);
    return insertBilledCalls(client, calls, reason);
  },
  change: async (client, corrections, reason) => {
    await keepAlertsQuiet(client);
    return updateLogsFromBill(client, corrections, reason);
  },
};
