import type pg from 'pg';
import { notFoundError } from '../errors.ts';
import { selectCostForecasts, selectRefusals } from './refusal-and-cost-store.ts';
import { countDaysToRoll } from './roll-up-store.ts';
import type { DayUsage, UsageReport, UsageReportRequest, UsageRow } from './usage-report.ts';
import {
  selectDays,
  selectForecasts,
  selectServices,
  selectTotals,
  selectUsageBy,
  selectUtilization,
} from './usage-report-store.ts';

/**
 * Usage of a range of days, with the state of the running periods as of now.
 * @throws notFoundError when no meter knows the service
 */
export async function readUsageReport(
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
  const days = await selectDays(client, request);
  return {
    from: request.from,
    to: request.to,
    by: request.by,
    service: request.service,
    asOf,
    totals: await selectTotals(client, request),
    days,
    rows: await readRows(client, request, days),
    refusals: await selectRefusals(client, request),
    costs: await selectCostForecasts(client, request.service),
    plans: await selectUtilization(client, request.service),
    forecasts: await selectForecasts(client, request),
    daysToRollUp: await countDaysToRoll(client),
  };
}

async function readRows(
  client: pg.ClientBase,
  request: UsageReportRequest,
  days: readonly DayUsage[],
): Promise<UsageRow[]> {
  const { by } = request;
  if (by === 'day') {
    return days.map(({ day, ...sums }) => ({ key: day, ...sums }));
  }
  return by === 'refusal' ? [] : await selectUsageBy(client, by, request);
}
