import type pg from 'pg';

/** An alert and what became of it; quantities are exact decimals as text, instants ISO 8601 UTC. */
export interface AlertState {
  id: string;
  /** External id. */
  user: string;
  userId: string;
  service: string;
  meter: string;
  threshold: number;
  level: 'warning' | 'critical' | 'exceeded';
  /** It is so now; `percent` is that of now, else of when it was raised. */
  active: boolean;
  percent: string;
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
    `select f.id, u.external_id as "user", u.id as "userId", f.service, f.meter, f.threshold, f.level, f.active,
       f.percent::text as percent, ${iso('f.crossed_at')} as "crossedAt", ${iso('f.ended_at')} as "endedAt",
       ${iso('f.acknowledged_at')} as "acknowledgedAt", d.status as delivery, d.attempts, d.last_error as "lastError"
     from quota.usage_alerts a
     join quota.alert_deliveries d on d.user_id = a.user_id and d.id = a.id
     join quota.users u on u.id = a.user_id
     cross join lateral quota.alerts_of(a.user_id, a.id) f
     where ($1::uuid is null or a.user_id = $1) and ($2::uuid is null or a.id = $2)
       and (not $3 or (a.ended_at is null and f.active)) and (not $4 or a.acknowledged_at is null)
       and ($5::text is null or d.status = $5)
     order by a.crossed_at desc, a.threshold desc, a.id
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
    `select (quota.acknowledge_alert(a.user_id::text, a.id, $3)).id
     from unnest($1::uuid[], $2::uuid[]) a(user_id, id) order by a.user_id, a.id`,
    [alerts.map(({ userId }) => userId), alerts.map(({ id }) => id), reason],
  );
}
