import type pg from 'pg';
import {
  type CallTrait,
  callTraits,
  type DayUsage,
  type Forecast,
  type PlanUtilization,
  type UsageDimension,
  type UsageReportRequest,
  type UsageRow,
  type UsageSums,
} from './usage-report.ts';

/** Counts are float8, exact to 2^53; quantities and money stay decimals. */
const sums = `
  coalesce(sum(u.calls), 0)::float8 as calls, coalesce(sum(u.errors), 0)::float8 as errors,
  count(distinct u.user_id)::float8 as "activeUsers", coalesce(sum(u.seconds), 0)::numeric(20,3) as seconds,
  coalesce(sum(u.messages), 0)::text as messages, coalesce(sum(u.premium_messages), 0)::text as "premiumMessages",
  coalesce(sum(u.cost), 0) as cost, coalesce(sum(u.tokens), 0)::text as tokens,
  coalesce(sum(u.bytes), 0)::text as bytes`;

type Range = Pick<UsageReportRequest, 'from' | 'to' | 'service'>;
const rangeOf = ({ from, to, service }: Range) => [from, to, service];

/** Services are known by their meters. */
export async function selectServices(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ service: string }>(
    'select distinct service from quota.meters order by service',
  );
  return rows.map(({ service }) => service);
}

export async function selectTotals(client: pg.ClientBase, range: Range): Promise<UsageSums> {
  const { rows } = await client.query<UsageSums>(
    `select ${sums} from quota.usage_by_day($1, $2, $3) u`,
    rangeOf(range),
  );
  const [totals] = rows;
  if (totals === undefined) {
    throw new Error('an aggregate without groups has one row');
  }
  return totals;
}

export async function selectDays(client: pg.ClientBase, range: Range): Promise<DayUsage[]> {
  const { rows } = await client.query<DayUsage>(
    `select d.day::date::text as day, ${sums},
       coalesce((select sum(r.refused) from quota.refusals_by_day(d.day::date, d.day::date, $3) r), 0)::float8 as refused
     from generate_series($1::date::timestamp, $2::date::timestamp, interval '1 day') d(day)
     left join quota.usage_by_day($1, $2, $3) u on u.day = d.day::date
     group by d.day
     order by d.day`,
    rangeOf(range),
  );
  return rows;
}

const keys = { service: 'u.service', plan: 'u.plan', user: 'u.user_id' } as const;

const isCallTrait = (by: UsageDimension): by is CallTrait => callTraits.some((trait) => trait === by);

/** Those that cost most first, hours as the day goes. All services and plans, the `top` users and assistants. */
export async function selectUsageBy(
  client: pg.ClientBase,
  by: Exclude<UsageDimension, 'day' | 'refusal'>,
  request: UsageReportRequest,
): Promise<UsageRow[]> {
  return isCallTrait(by)
    ? await selectUsageByTrait(client, by, request)
    : await selectRolledUsageBy(client, by, request);
}

async function selectUsageByTrait(
  client: pg.ClientBase,
  trait: CallTrait,
  { top, ...range }: UsageReportRequest,
): Promise<UsageRow[]> {
  const { rows } = await client.query<UsageRow>(
    `select u.key, ${sums}
     from quota.usage_by_trait($1, $2, $4, $3) u
     group by u.key
     order by ${trait === 'hour' ? 'u.key' : 'cost desc, calls desc, u.key'}
     limit $5`,
    [...rangeOf(range), trait, trait === 'assistant' ? top : null],
  );
  return rows;
}

async function selectRolledUsageBy(
  client: pg.ClientBase,
  by: keyof typeof keys,
  { top, ...range }: UsageReportRequest,
): Promise<UsageRow[]> {
  const { rows } = await client.query<UsageRow>(
    `select ${by === 'user' ? 'p.external_id' : 's.key'} as key, calls, errors, "activeUsers", seconds, messages,
       "premiumMessages", cost, tokens, bytes
     from (
       select ${keys[by]} as key, ${sums}
       from quota.usage_by_day($1, $2, $3) u
       group by 1
       order by cost desc, calls desc, key
       limit $4
     ) s
     ${by === 'user' ? 'join quota.users p on p.id = s.key' : ''}
     order by cost desc, calls desc, 1`,
    [...rangeOf(range), by === 'user' ? top : null],
  );
  return rows;
}

export async function selectUtilization(
  client: pg.ClientBase,
  service: string | null,
): Promise<PlanUtilization[]> {
  const { rows } = await client.query<PlanUtilization>(
    `select service, plan, plan_name as name, meter, unit, users as subscribers, active, warning as warned, exceeded,
       used, allowance, round(100 * used / nullif(allowance, 0), 2) as percent, cost,
       cost_allowance as "costAllowance", round(100 * cost / nullif(cost_allowance, 0), 2) as "costPercent"
     from quota.plan_utilization($1)
     order by service, plan, meter`,
    [service],
  );
  return rows;
}

export async function selectForecasts(
  client: pg.ClientBase,
  { service, top }: Pick<UsageReportRequest, 'service' | 'top'>,
): Promise<{ total: number; first: Forecast[] }> {
  const { rows } = await client.query<
    Omit<Forecast, 'runsOutAt' | 'resetsAt' | 'limit'> & {
      runs_out_at: Date;
      period_end: Date | null;
      by_cost: boolean;
      total: number;
    }
  >(
    `select external_id as user, user_id as "userId", service, plan, meter, unit, used, allowance, cost,
       cost_limit as "costLimit", percent, per_day as "perDay", runs_out_at, period_end, by_cost,
       count(*) over ()::float8 as total
     from quota.forecast_quotas($1)
     order by runs_out_at, external_id, meter
     limit $2`,
    [service, top],
  );
  return {
    total: rows[0]?.total ?? 0,
    first: rows.map(({ runs_out_at, period_end, by_cost, total: _, ...forecast }) => ({
      ...forecast,
      runsOutAt: runs_out_at.toISOString(),
      resetsAt: period_end?.toISOString() ?? null,
      limit: by_cost ? 'cost' : 'quantity',
    })),
  };
}
