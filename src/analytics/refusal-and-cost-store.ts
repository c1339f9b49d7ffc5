import type pg from 'pg';
import type {
  CostForecast,
  PlanCostForecast,
  Refusals,
  UsageReport,
  UsageReportRequest,
} from './usage-report.ts';

/** Those that came most often first; by refusal day after day. */
export async function selectRefusals(
  client: pg.ClientBase,
  { from, to, service, by }: UsageReportRequest,
): Promise<UsageReport['refusals']> {
  const { rows } = await client.query<Refusals>(
    `select case when $4 then day::text end as day, service, plan, reason, sum(refused)::float8 as refused
     from quota.refusals_by_day($1, $2, $3)
     group by 1, service, plan, reason
     order by 1, refused desc, service, plan, reason`,
    [from, to, service, by === 'refusal'],
  );
  return { total: rows.reduce((sum, { refused }) => sum + refused, 0), rows };
}

/** Of the month that is running now, whatever the days of the report. */
export async function selectCostForecasts(
  client: pg.ClientBase,
  service: string | null,
): Promise<UsageReport['costs']> {
  const { rows } = await client.query<
    CostForecast & { month: string; service: string | null; plan: string | null }
  >(
    `select to_char(month, 'YYYY-MM') as month, service, plan, calls::float8 as calls, cost::text as cost,
       forecast::text as forecast
     from quota.forecast_costs($1)`,
    [service],
  );
  const [all] = rows;
  if (all === undefined) {
    throw new Error('the sum of all plans has one row');
  }
  const { month, calls, cost, forecast } = all;
  return {
    month,
    total: { calls, cost, forecast },
    plans: rows.flatMap(({ month: _, service: of, plan, ...sums }) =>
      of === null || plan === null ? [] : [{ service: of, plan, ...sums } satisfies PlanCostForecast],
    ),
  };
}
