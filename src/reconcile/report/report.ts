import type pg from 'pg';
import { withSnapshot } from '../../db/transaction.ts';
import { sumOf } from '../../values/decimal-sum.ts';
import { type Bill, selectBill } from '../match/bill-store.ts';
import { type Differences, readDifferences } from '../match/claim.ts';
import { type ExpectedCost, selectExpectedCosts } from '../match/rate-store.ts';
import { findReconciliation } from '../months/find-reconciliation.ts';
import type { MonthChoice, StoredReconciliation } from '../months/stored-reconciliation.ts';
import type { Entry } from '../resolve/discrepancy-store.ts';
import * as store from './report-store.ts';

/** Discrepancies of one kind that a report lists; more are for a spreadsheet. */
const entriesMax = 100;
const usersMax = 15;
const eventsMax = 40;

/** Everything that the report of a month says. Money and durations are exact decimals, instants ISO 8601 UTC. */
export interface ReconciliationReport {
  stored: StoredReconciliation;
  exports: store.ReportExport[];
  /** Of the exports; null where they state none, or several. */
  currency: string | null;
  /** False: the exports state no amounts, as lists of sessions do; then `days` and `monthSums` are seconds. */
  hasAmounts: boolean;
  /** All that the exports bill, which the kinds have to add up to. */
  exportsBilled: string;
  /** Of all kinds, and of those that do not count in this month. */
  kindsBilled: string;
  days: store.DaySums[];
  /** What the days add up to. */
  monthSums: { billed: string; logged: string };
  kinds: store.KindDetail[];
  /** The first of each kind, from its largest difference on. */
  entries: Entry[];
  states: store.StateSums[];
  settled: Entry[];
  users: { users: store.UserSums[]; total: number };
  rates: ExpectedCost[];
  /** What was done, the latest first. */
  events: store.ReportEvent[];
  bill: Bill;
  /** Null where the bill states no amounts. */
  differences: Differences | null;
  /** Whose bill it is, as it is to stand on the page. */
  company: string | undefined;
  madeAt: string;
  madeBy: string;
}

/**
 * Reads a report as of one moment: what somebody changes meanwhile is in all of it or in none.
 * @throws notFoundError, usageError as `findReconciliation` does
 */
export function readReport(
  client: pg.ClientBase,
  choice: MonthChoice,
  made: { at: string; by: string; company: string | undefined },
): Promise<ReconciliationReport> {
  return withSnapshot(client, async () => {
    await store.allowMemory(client);
    const stored = await findReconciliation(client, choice);
    const { id } = stored;
    const exports = await store.selectReportExports(client, id);
    const hasAmounts = exports.some(({ currency }) => currency !== null);
    const days = await (hasAmounts ? store.selectDays(client, id) : store.selectDaySeconds(client, id));
    const currencies = new Set(exports.flatMap(({ currency }) => currency ?? []));
    return {
      stored,
      exports,
      currency: currencies.size === 1 ? ([...currencies][0] ?? null) : null,
      exportsBilled: sumOf(exports.map(({ billed }) => billed)),
      kindsBilled: sumOf(Object.values(stored.kinds).map(({ billed }) => billed)),
      hasAmounts,
      days,
      monthSums: hasAmounts
        ? stored.totals
        : { billed: sumOf(days.map((day) => day.billed)), logged: sumOf(days.map((day) => day.logged)) },
      kinds: await store.selectKindDetails(client, id, entriesMax),
      entries: await store.selectEntries(client, id, entriesMax),
      states: await store.selectStates(client, id),
      settled: await store.selectSettled(client, id, entriesMax),
      users: await store.selectUsers(client, id, usersMax),
      rates: await selectExpectedCosts(client, id),
      events: await store.selectEvents(client, stored, eventsMax),
      bill: await selectBill(client, id),
      differences: (await readDifferences(client, [stored])).get(id) ?? null,
      company: made.company,
      madeAt: made.at,
      madeBy: made.by,
    };
  });
}
