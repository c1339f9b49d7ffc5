import type pg from 'pg';
import type { Database } from '../context.ts';
import { type Sessions, shareOut, withSessionsInSnapshot } from '../db/side-by-side.ts';
import { notFoundError } from '../errors.ts';
import { selectCostForecasts, selectRefusals } from './refusal-and-cost-store.ts';
import { countDaysToRoll } from './roll-up-store.ts';
import {
  type CallTrait,
  callTraits,
  type UsageDimension,
  type UsageReport,
  type UsageReportRequest,
  type UsageRow,
} from './usage-report.ts';
import {
  giveMemoryForSums,
  isRolledKey,
  selectForecasts,
  selectRolledUsage,
  selectServices,
  selectTopUsers,
  selectUsageByTrait,
  selectUtilization,
} from './usage-report-store.ts';

/**
 * Usage of a range of days, with the state of the running periods as of now: all of one moment.
 * @throws notFoundError when no meter knows the service
 */
export function readUsageReport(
  database: Pick<Database, 'client' | 'connect'>,
  request: UsageReportRequest,
  asOf: string,
): Promise<UsageReport> {
  return withSessionsInSnapshot(database, async (clients) => {
    for (const client of clients) {
      await giveMemoryForSums(client);
    }
    await requireService(clients[0], request);
    return readReport(clients, request, asOf);
  });
}

async function requireService(client: pg.ClientBase, { service }: UsageReportRequest): Promise<void> {
  if (service === null) {
    return;
  }
  const services = await selectServices(client);
  if (!services.includes(service)) {
    throw notFoundError(`there is no service "${service}"`, {
      suggestion: `use one of ${services.join(', ')}`,
    });
  }
}

/** What takes longest first, so that both sessions end at about the same time. */
async function readReport(
  clients: Sessions,
  request: UsageReportRequest,
  asOf: string,
): Promise<UsageReport> {
  const { from, to, by, service } = request;
  const [ownRows, forecasts, rolled, costs, plans, refusals, daysToRollUp] = await shareOut(clients, [
    (client) => readOwnRows(client, request),
    (client) => selectForecasts(client, request),
    (client) => selectRolledUsage(client, isRolledKey(by) ? by : 'none', request),
    (client) => selectCostForecasts(client, service),
    (client) => selectUtilization(client, service),
    (client) => selectRefusals(client, request),
    (client) => countDaysToRoll(client),
  ]);
  const { totals, days } = rolled;
  const rows =
    ownRows ?? (by === 'day' ? days.map(({ day, ...sums }) => ({ key: day, ...sums })) : rolled.rows);
  return { from, to, by, service, asOf, totals, days, rows, refusals, costs, plans, forecasts, daysToRollUp };
}

const isCallTrait = (by: UsageDimension): by is CallTrait => callTraits.some((trait) => trait === by);

/** Null: the days, or what they were added up by, are the rows. */
async function readOwnRows(client: pg.ClientBase, request: UsageReportRequest): Promise<UsageRow[] | null> {
  const { by } = request;
  if (isCallTrait(by)) {
    return selectUsageByTrait(client, by, request);
  }
  switch (by) {
    case 'user':
      return selectTopUsers(client, request);
    case 'refusal':
      return [];
    case 'day':
    case 'service':
    case 'plan':
    case 'model':
      return null;
  }
}
