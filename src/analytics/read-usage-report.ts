import type pg from 'pg';
import { notFoundError } from '../errors.ts';
import { countDaysToRoll } from './roll-up-store.ts';
import type { UsageReport, UsageReportRequest } from './usage-report.ts';
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
  const rows =
    request.by === 'day'
      ? days.map(({ day, ...sums }) => ({ key: day, ...sums }))
      : await selectUsageBy(client, request.by, request);
  return {
    from: request.from,
    to: request.to,
    by: request.by,
    service: request.service,
    asOf,
    totals: await selectTotals(client, request),
    days,
    rows,
    plans: await selectUtilization(client, request.service),
    forecasts: await selectForecasts(client, request),
    daysToRollUp: await countDaysToRoll(client),
  };
}
