import type pg from 'pg';

/** An alert and what became of it; quantities are exact decimals as text, instants ISO 8601 UTC. */
export interface AlertState {
  id: string;
  /** `usage` of a user; `daily_cost` and `error_rate` of a day are limits of the operator. */
  kind: 'usage' | 'daily_cost' | 'error_rate';
  /** External id; null: of no user. */
  user: string | null;
  userId: string | null;
  /** Null: of all services together. */
  service: string | null;
  /** Null: of no meter. */
  meter: string | null;
  threshold: number;
  level: 'warning' | 'critical' | 'exceeded';
  /** It is so now; `percent` is that of now, else of when it was raised. */
  active: boolean;
  percent: string;
  /** Of a limit of the operator: money, or errors in percent of the calls, when it was raised. */
  value: string | null;
  limit: string | null;
  /** UTC, of a limit of the operator. */
  day: string | null;
  crossedAt: string;
  /** Null while it stands. */
  endedAt: string | null;
  acknowledgedAt: string | null;
  delivery: 'pending' | 'failed' | 'delivered' | 'expired' | 'withdrawn' | 'past';
  attempts: number;
  lastError: string | null;
}

export interface AlertFilter {
  userId?: string | undefined;
  id?: string | undefined;
  /** Only what is so now. */
  active?: boolean | undefined;
  /** Only what nobody acknowledged. */
  open?: boolean | undefined;
  delivery?: AlertState['delivery'] | undefined;
  limit?: number | undefined;
}

const iso = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** The latest first. */
export async function selectAlerts(client: pg.ClientBase, filter: AlertFilter): Promise<AlertState[]> {
  const { userId, id, active = false, open = false, delivery, limit } = filter;
  const { rows } = await client.query<AlertState>(
    `select f.id, 'usage' as kind, u.external_id as "user", u.id as "userId", f.service, f.meter, f.threshold, f.level, f.active,
       f.percent::text as percent, null as value, null as "limit", null as day, ${iso('f.crossed_at')} as "crossedAt", ${iso('f.ended_at')} as "endedAt",
       ${iso('f.acknowledged_at')} as "acknowledgedAt", d.status as delivery, d.attempts, d.last_error as "lastError"
     from quota.usage_alerts a
     join quota.alert_deliveries d on d.user_id = a.user_id and d.id = a.id
     join quota.users u on u.id = a.user_id
     cross join lateral quota.alerts_of(a.user_id, a.id) f
     where ($1::uuid is null or a.user_id = $1) and ($2::uuid is null or a.id = $2)
       and (not $3 or (a.ended_at is null and f.active)) and (not $4 or a.acknowledged_at is null)
       and ($5::text is null or d.status = $5)
     union all
     select o.id, o.kind, null, null, nullif(o.service, ''), null, 100, 'exceeded', n.active,
       round(100 * o.value / nullif(o.limit_value, 0), 2)::text, o.value::text, o.limit_value::text, o.day::text,
       ${iso('o.raised_at')}, case when not n.active then ${iso('n.ends')} end, ${iso('o.acknowledged_at')}, o.status,
       o.attempts, o.last_error
     from quota.operator_alerts o
     cross join lateral (
       select o.day >= quota.day_of(quota.now()) as active, (o.day + 1)::timestamp at time zone 'UTC' as ends) n
     where $1::uuid is null and ($2::uuid is null or o.id = $2) and (not $3 or n.active)
       and (not $4 or o.acknowledged_at is null) and ($5::text is null or o.status = $5)
     order by "crossedAt" desc, threshold desc, id
     limit $6`,
    [userId, id, active, open, delivery, limit],
  );
  return rows;
}

/** Marks alerts as seen, each with its audit row; those that were seen before stay as they are. */
export async function acknowledgeAlerts(
  client: pg.ClientBase,
  alerts: readonly Pick<AlertState, 'id' | 'userId'>[],
  reason: string | undefined,
): Promise<void> {
  await client.query(
    `select case when a.user_id is null then quota.acknowledge_operator_alert(a.id, $3)::text
       else (quota.acknowledge_alert(a.user_id::text, a.id, $3)).id::text end
     from unnest($1::uuid[], $2::uuid[]) a(user_id, id) order by a.user_id, a.id`,
    [alerts.map(({ userId }) => userId), alerts.map(({ id }) => id), reason],
  );
}
