import type pg from 'pg';
import type {
  CallTrait,
  DayUsage,
  Forecast,
  PlanUtilization,
  UsageReportRequest,
  UsageRow,
  UsageSums,
} from './usage-report.ts';

/** Counts are float8, exact to 2^53; quantities and money stay decimals. Of nothing: 0. */
const sums = `
  coalesce(sum(u.calls), 0)::float8 as calls, coalesce(sum(u.errors), 0)::float8 as errors,
  coalesce(sum(u.seconds), 0)::numeric(20,3) as seconds,
  coalesce(sum(u.messages), 0)::text as messages, coalesce(sum(u.premium_messages), 0)::text as "premiumMessages",
  coalesce(sum(u.cost), 0) as cost, coalesce(sum(u.tokens), 0)::text as tokens,
  coalesce(sum(u.bytes), 0)::text as bytes`;

type Range = Pick<UsageReportRequest, 'from' | 'to' | 'service'>;
const rangeOf = ({ from, to, service }: Range) => [from, to, service];

/** Until the end of the transaction that is open: what is summed by user goes to the disk without it. */
export const giveMemoryForSums = (client: pg.ClientBase) => client.query(`set local work_mem = '64MB'`);

/** Services are known by their meters. */
export async function selectServices(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ service: string }>(
    'select distinct service from quota.meters order by service',
  );
  return rows.map(({ service }) => service);
}

/**
 * What a report keys its rows by, where roll-ups keep it; users are too many, and are ranked by `selectTopUsers`. Roll-ups
 * have models as they were written, GPT-4o and gpt-4o: it is one.
 */
const rolledKeys = { service: 'u.service', plan: 'u.plan', model: 'lower(u.model)', none: "''" } as const;
export type RolledKey = keyof typeof rolledKeys;
export const isRolledKey = (by: string): by is RolledKey => by in rolledKeys;

export interface RolledUsage {
  totals: UsageSums;
  /** Each day of the range. */
  days: DayUsage[];
  /** Those that cost most first. */
  rows: UsageRow[];
}

/** A number of 64 bits holds so many days. */
const daysAtOnce = 62;

/**
 * Totals, days and rows, added up from what each day comes to. Who was active is counted of users, each looked up once: a bit
 * for each day and each key; `count (distinct …)` would sort every row, and a hash of each set hold them all, once for each set.
 */
export async function selectRolledUsage(
  client: pg.ClientBase,
  by: RolledKey,
  range: Range,
): Promise<RolledUsage> {
  const { rows } = await client.query<
    UsageSums & { day: string | null; key: string | null; refused: number }
  >(
    `with parts as materialized (
       select u.day, ${rolledKeys[by]} as key, sum(u.calls) as calls, sum(u.errors) as errors, sum(u.seconds) as seconds,
         sum(u.messages) as messages, sum(u.premium_messages) as premium_messages, sum(u.cost) as cost,
         sum(u.tokens) as tokens, sum(u.bytes) as bytes, max(u.model collate "C") as written
       from quota.usage_by_plan($1, $2, $3, $4) u group by 1, 2
     ), keys as materialized (
       select key, place, set_bit(repeat('0', count(*) over ()::integer)::bit varying, place, 1) as bit
       from (select key, row_number() over (order by key)::integer - 1 as place from parts group by key) k
     ), seen as materialized (
       select u.user_id, (u.day - $1::date) / ${daysAtOnce} as part, bit_or(k.bit) as keys,
         bit_or(1::bigint << ((u.day - $1::date) % ${daysAtOnce})) as days
       from quota.usage_by_day($1, $2, $3, $4) u
       join keys k on k.key = ${rolledKeys[by]}
       group by 1, 2
     ), users_of_keys as materialized (
       select keys, count(*) as users
       from (select user_id, bit_or(keys) as keys from seen group by user_id) one_each group by keys
     ), users as (
       select $1::date + s.part * ${daysAtOnce} + n as day, null as key, sum(s.users)::float8 as active
       from (select part, days, count(*) as users from seen group by part, days) s
       join generate_series(0, least($2::date - $1::date, ${daysAtOnce} - 1)) n on s.days & (1::bigint << n) <> 0
       group by 1
       union all
       select null, k.key, sum(u.users)::float8 from users_of_keys u join keys k on get_bit(u.keys, k.place) = 1 group by k.key
       union all
       select null, null, sum(users)::float8 from users_of_keys
     ), days as (
       select d::date as day from generate_series($1::date::timestamp, $2::date::timestamp, interval '1 day') d
     ), parts_and_days as (
       select * from parts union all select day, null, null, null, null, null, null, null, null, null, null from days
     ), added as (
       select u.day, u.key, max(u.written) as written, ${sums}
       from parts_and_days u
       group by grouping sets ((u.day), (u.key), ())
       having grouping(u.key) = 1 or u.key is not null
     )
     select a.day::text, ${by === 'model' ? 'case when a.key is not null then a.written end' : 'a.key'} as key, a.calls, a.errors, coalesce(n.active, 0) as "activeUsers", a.seconds, a.messages,
       a."premiumMessages", a.cost, a.tokens, a.bytes,
       coalesce((select sum(r.refused) from quota.refusals_by_day(a.day, a.day, $3) r), 0)::float8 as refused
     from added a
     left join users n on n.day is not distinct from a.day and n.key is not distinct from a.key
     order by a.day, a.cost desc, a.calls desc, a.key`,
    [...rangeOf(range), by === 'model'],
  );
  const [days, keyed]: [DayUsage[], UsageRow[]] = [[], []];
  let totals: UsageSums | undefined;
  for (const { day, key, refused, ...ofAll } of rows) {
    if (day !== null) {
      days.push({ day, ...ofAll, refused });
    } else if (key !== null) {
      keyed.push({ key, ...ofAll });
    } else {
      totals = ofAll;
    }
  }
  if (totals === undefined) {
    throw new Error('an aggregate over everything has one row');
  }
  return { totals, days, rows: keyed };
}

/** Those that cost most first, hours as the day goes; the `top` assistants. Read from the calls themselves. */
export async function selectUsageByTrait(
  client: pg.ClientBase,
  trait: CallTrait,
  { top, ...range }: UsageReportRequest,
): Promise<UsageRow[]> {
  const { rows } = await client.query<UsageRow>(
    `select u.key, ${sums}, count(*)::float8 as "activeUsers"
     from quota.usage_by_trait($1, $2, $4, $3) u
     group by u.key
     order by ${trait === 'hour' ? 'u.key' : 'cost desc, calls desc, u.key'}
     limit $5`,
    [...rangeOf(range), trait, trait === 'assistant' ? top : null],
  );
  return rows;
}

/** The `top` users, those that cost most first. */
export async function selectTopUsers(
  client: pg.ClientBase,
  { top, ...range }: UsageReportRequest,
): Promise<UsageRow[]> {
  const { rows } = await client.query<UsageRow>(
    `select p.external_id as key, calls, errors, 1 as "activeUsers", seconds, messages, "premiumMessages", cost, tokens,
       bytes
     from (
       select u.user_id as id, ${sums}
       from quota.usage_by_day($1, $2, $3) u
       group by u.user_id
       order by cost desc, calls desc, id
       limit $4
     ) s
     join quota.users p using (id)
     order by cost desc, calls desc, 1`,
    [...rangeOf(range), top],
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
