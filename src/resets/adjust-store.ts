import type pg from 'pg';
import type { QuotaUsage } from '../usage/usage.ts';

/** A meter of a user in the running period; quantities and money are exact decimals as text. */
export interface AdjustableMeter {
  service: string;
  meter: string;
  unit: QuotaUsage['unit'];
  limit: string | null;
  used: string;
  cost: string;
  /** What resets of the period took off and nobody has given back: nothing or less than that. */
  resetQuantity: string;
  resetCost: string;
  closedAt: string | null;
}

export async function selectAdjustableMeters(
  client: pg.ClientBase,
  userId: string,
): Promise<AdjustableMeter[]> {
  const { rows } = await client.query<AdjustableMeter>(
    `select c.service, c.meter, c.unit, c.limit_quantity::text as "limit", c.used::numeric(20,3)::text as used,
       trim_scale(c.cost)::text as cost, r.quantity::numeric(20,3)::text as "resetQuantity",
       trim_scale(r.cost)::text as "resetCost", q.closed_at::text as "closedAt"
     from quota.current_quotas($1) c
     left join quota.usage_quotas q on q.user_id = c.user_id and q.meter = c.meter and q.period_start = c.period_start
     cross join lateral (
       select coalesce(sum(a.quantity), 0) as quantity, coalesce(sum(a.cost), 0) as cost
       from quota.adjustments a
       where a.user_id = c.user_id and a.meter = c.meter and a.period_start = c.period_start
         and a.kind in ('reset', 'reset_carried', 'undone')) r
     order by c.service, c.meter`,
    [userId],
  );
  return rows;
}

export interface NewAdjustment {
  meter: string;
  kind: 'correction' | 'undone';
  /** Signed: what is used becomes so much more. */
  quantity: string;
  cost: string;
}

/** Corrects the running period, and limits or frees the user accordingly. Returns the id of the audit row. */
export async function adjustUsage(
  client: pg.ClientBase,
  userId: string,
  { meter, kind, quantity, cost }: NewAdjustment,
  reason: string,
): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    'select quota.adjust_usage($1, $2, $3, $4, $5, $6)::text as id',
    [userId, meter, kind, quantity, cost, reason],
  );
  return rows[0]?.id ?? '';
}
