import type pg from 'pg';
import { readRows } from '../db/cursor.ts';
import type { PeriodUsage } from './period-usage.ts';

/** Where a page begins: after this period of this meter. */
export interface HistoryPosition {
  /** With microseconds, or `-infinity`, the start of a lifetime. */
  periodStart: string;
  meter: string;
}

export interface HistorySelection {
  userId: string;
  /** Both empty: every meter. */
  services: readonly string[];
  meters: readonly string[];
  after: HistoryPosition | undefined;
  limit: number | undefined;
}

type PeriodRow = Omit<PeriodUsage, 'period' | 'exhaustedAt' | 'closedAt'> & {
  periodStart: Date | number;
  periodEnd: Date | number;
  exhaustedAt: Date | null;
  closedAt: Date | null;
  startText: string;
};

export interface PlacedPeriod {
  usage: PeriodUsage;
  position: HistoryPosition;
}

/** The periods of a user's meters, the latest first, as they come. */
export async function* selectHistory(
  client: pg.ClientBase,
  { userId, services, meters, after, limit }: HistorySelection,
): AsyncGenerator<PlacedPeriod> {
  const rows = readRows<PeriodRow>(client, historyQuery, [
    userId,
    services,
    meters,
    after?.periodStart ?? null,
    after?.meter ?? null,
    limit ?? null,
  ]);
  for await (const { service, meter, unit, periodStart, periodEnd, startText, ...row } of rows) {
    yield {
      usage: {
        service,
        meter,
        unit,
        period: { start: isoInstant(periodStart), end: isoInstant(periodEnd) },
        ...row,
        exhaustedAt: row.exhaustedAt?.toISOString() ?? null,
        closedAt: row.closedAt?.toISOString() ?? null,
      },
      position: { periodStart: startText, meter },
    };
  }
}

const historyQuery = `
  select m.service, q.meter, m.unit, q.period_start as "periodStart", q.period_end as "periodEnd",
    q.limit_quantity::text as limit, q.granted::text as granted, q.used::text as used, q.adjusted::text as adjusted,
    quota.estimated_of(q.user_id, q.meter, q.period_start, q.period_end)::numeric(20,3)::text as estimated,
    trim_scale(q.cost)::text as cost, q.calls, q.exhausted_at as "exhaustedAt", q.closed_at as "closedAt",
    q.used_at_close::text as "usedAtClose", (q.used - q.used_at_close)::text as late, q.superseded,
    coalesce(r.resets, '[]') as resets,
    case when isfinite(q.period_start) then to_char(q.period_start, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') else '-infinity' end
      as "startText"
  from quota.usage_quotas q
  join quota.meters m on m.key = q.meter
  left join lateral (
    select json_agg(json_build_object(
      'at', to_char(a.created_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'quantity', a.quantity::text, 'actor', a.actor,
      'reason', a.reason) order by a.id) as resets
    from quota.adjustments a
    where a.user_id = q.user_id and a.meter = q.meter and a.period_start = q.period_start and a.kind = 'reset'
  ) r on true
  where q.user_id = $1
    and (cardinality($2::text[]) + cardinality($3::text[]) = 0 or m.service = any ($2) or q.meter = any ($3))
    and ($4::timestamptz is null or q.period_start < $4 or (q.period_start = $4 and q.meter > $5))
  order by q.period_start desc, q.meter
  limit $6`;

/** The driver gives PostgreSQL's ±infinity, the bounds of a lifetime, as a number. */
const isoInstant = (at: Date | number) => (typeof at === 'number' ? null : at.toISOString());
