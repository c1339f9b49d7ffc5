import type pg from 'pg';
import { readRows } from '../db/cursor.ts';

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

/** The latest first, all at once. */
export async function selectAlerts(client: pg.ClientBase, filter: AlertFilter): Promise<AlertState[]> {
  const { sql, values } = alertQuery(filter);
  return (await client.query<AlertState>(sql, values)).rows;
}

/** The latest first, as they come. */
export function readAlerts(client: pg.ClientBase, filter: AlertFilter): AsyncGenerator<AlertState> {
  const { sql, values } = alertQuery(filter);
  return readRows<AlertState>(client, sql, values, 'in turn');
}

/**
 * Which alerts, by what is stored, and in their order; then, of those alone, whether they are so now, which is worked
 * out from all that is known of the user.
 */
function alertQuery({ userId, id, active = false, open = false, delivery, limit }: AlertFilter) {
  const values: unknown[] = [];
  const bind = (value: unknown) => `$${values.push(value)}`;
  const ofBoth: string[] = [];
  if (open) {
    ofBoth.push('s.acknowledged_at is null');
  }
  if (id !== undefined) {
    ofBoth.push(`s.id = ${bind(id)}`);
  }
  const ofUsers = [
    ...ofBoth,
    ...(userId === undefined ? [] : [`s.user_id = ${bind(userId)}`]),
    ...(active ? ['s.ended_at is null'] : []),
    ...(delivery === undefined ? [] : [`d.status = ${bind(delivery)}`]),
  ];
  const ofOperators = [
    ...ofBoth,
    ...(userId === undefined ? [] : ['false']),
    ...(active ? ['n.active'] : []),
    ...(delivery === undefined ? [] : [`s.status = ${bind(delivery)}`]),
  ];
  const first = limit === undefined ? '' : `limit ${bind(limit)}`;
  const where = (conditions: readonly string[]) => `where ${['true', ...conditions].join(' and ')}`;
  const sql = `
    select id, kind, "user", "userId", service, meter, threshold, level, active, percent, value, "limit", day,
      ${iso('"at"')} as "crossedAt", "endedAt", "acknowledgedAt", delivery, attempts, "lastError"
    from (
      (select a.id, 'usage' as kind, (select u.external_id from quota.users u where u.id = a.user_id) as "user",
         a.user_id as "userId", f.service, f.meter, a.threshold, f.level, f.active, f.percent::text as percent,
         null as value, null as "limit", null as day, a.crossed_at as "at", ${iso('f.ended_at')} as "endedAt",
         ${iso('f.acknowledged_at')} as "acknowledgedAt", a.status as delivery, a.attempts, a.last_error as "lastError"
       from (
         select s.user_id, s.id, s.crossed_at, s.threshold, d.status, d.attempts, d.last_error
         from quota.usage_alerts s
         join quota.alert_deliveries d on d.user_id = s.user_id and d.id = s.id
         ${where(ofUsers)}
         order by s.crossed_at desc, s.threshold desc, s.id ${active ? '' : first} offset 0
       ) a
       cross join lateral (select * from quota.alerts_of(a.user_id, a.id) offset 0) f
       ${active ? 'where f.active' : ''}
       order by a.crossed_at desc, a.threshold desc, a.id ${first})
      union all
      (select s.id, s.kind, null, null, nullif(s.service, ''), null, 100, 'exceeded', n.active,
         round(100 * s.value / nullif(s.limit_value, 0), 2)::text, s.value::text, s.limit_value::text, s.day::text,
         s.raised_at, case when not n.active then ${iso('n.ends')} end, ${iso('s.acknowledged_at')}, s.status,
         s.attempts, s.last_error
       from quota.operator_alerts s
       cross join lateral (
         select s.day >= quota.day_of(quota.now()) as active, (s.day + 1)::timestamp at time zone 'UTC' as ends) n
       ${where(ofOperators)}
       order by s.raised_at desc, s.id ${first})
    ) both_kinds
    order by "at" desc, threshold desc, id ${first}`;
  return { sql, values };
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
