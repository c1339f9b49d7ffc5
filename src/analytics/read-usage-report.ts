import type pg from 'pg';
import { withSnapshot } from '../db/transaction.ts';
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
  type RolledUsage,
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
  client: pg.ClientBase,
  request: UsageReportRequest,
  asOf: string,
): Promise<UsageReport> {
  return withSnapshot(client, async () => {
    await giveMemoryForSums(client);
    return readReport(client, request, asOf);
  });
}

async function readReport(
  client: pg.ClientBase,
  request: UsageReportRequest,
  asOf: string,
): Promise<UsageReport> {
  const services = await selectServices(client);
  if (request.service !== null && !services.includes(request.service)) {
    throw notFoundError(`there is no service "${request.service}"`, {
      suggestion: `use one of ${services.join(', ')}`,
    });
  }
  const { by } = request;
  const rolled = await selectRolledUsage(client, by === 'service' || by === 'plan' ? by : 'none', request);
  return {
    from: request.from,
    to: request.to,
    by,
    service: request.service,
    asOf,
    totals: rolled.totals,
    days: rolled.days,
    rows: await readRows(client, request, rolled),
    refusals: await selectRefusals(client, request),
    costs: await selectCostForecasts(client, request.service),
    plans: await selectUtilization(client, request.service),
    forecasts: await selectForecasts(client, request),
    daysToRollUp: await countDaysToRoll(client),
  };
}

const isCallTrait = (by: UsageDimension): by is CallTrait => callTraits.some((trait) => trait === by);

async function readRows(
  client: pg.ClientBase,
  request: UsageReportRequest,
  { days, rows }: RolledUsage,
): Promise<UsageRow[]> {
  const { by } = request;
  if (isCallTrait(by)) {
    return selectUsageByTrait(client, by, request);
  }
  switch (by) {
    case 'day':
      return days.map(({ day, ...sums }) => ({ key: day, ...sums }));
    case 'user':
      return selectTopUsers(client, request);
    case 'refusal':
      return [];
    case 'service':
    case 'plan':
      return rows;
  }
}
