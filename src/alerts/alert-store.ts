import type pg from 'pg';
import type { AlertMessage } from './alert-target.ts';

/** A sender that dies leaves its alerts due again after so long; longer than any sending takes. */
const leaseSeconds = 300;

export async function countDueAlerts(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ due: number }>(
    `select count(*)::integer as due from quota.alert_deliveries
     where status in ('pending', 'failed') and next_attempt_at <= quota.now()`,
  );
  return rows[0]?.due ?? 0;
}

/** Alerts that were tried and wait for the next attempt. */
export async function countFailedAlerts(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ failed: number }>(
    `select count(*)::integer as failed from quota.alert_deliveries where status = 'failed'`,
  );
  return rows[0]?.failed ?? 0;
}

export async function selectDueAlerts(
  client: pg.ClientBase,
  limit: number,
): Promise<Record<string, unknown>[]> {
  const { rows } = await client.query<{ crossedAt: Date }>(
    `select u.external_id as "externalId", d.meter, a.level, d.threshold, a.crossed_at as "crossedAt", d.attempts,
       d.last_error as "lastError"
     from quota.alert_deliveries d
     join quota.usage_alerts a using (user_id, meter, period_start, threshold)
     join quota.users u on u.id = d.user_id
     where d.status in ('pending', 'failed') and d.next_attempt_at <= quota.now()
     order by d.next_attempt_at, d.id limit $1`,
    [limit],
  );
  return rows.map((row) => ({ ...row, crossedAt: row.crossedAt.toISOString() }));
}

/** Alerts that nobody wants to hear of any more. */
export async function expireAlerts(client: pg.ClientBase, maxAgeSeconds: number): Promise<number> {
  const { rowCount } = await client.query(
    `update quota.alert_deliveries d set status = 'expired', settled_at = quota.now()
     from quota.usage_alerts a
     where d.status in ('pending', 'failed') and d.next_attempt_at <= quota.now()
       and a.user_id = d.user_id and a.meter = d.meter and a.period_start = d.period_start
       and a.threshold = d.threshold and a.crossed_at < quota.now() - make_interval(secs => $1)`,
    [maxAgeSeconds],
  );
  return rowCount ?? 0;
}

/** Takes alerts that are due, the first crossed first. */
export async function claimAlerts(client: pg.ClientBase, limit: number): Promise<AlertMessage[]> {
  const { rows } = await client.query<{ id: string; payload: object }>(
    'select id, payload from quota.claim_alerts($1, make_interval(secs => $2))',
    [limit, leaseSeconds],
  );
  return rows.map(({ id, payload }) => ({ id, body: JSON.stringify(payload) }));
}

export async function recordDelivered(client: pg.ClientBase, id: string, target: string): Promise<void> {
  await client.query(
    `update quota.alert_deliveries
     set status = 'delivered', settled_at = quota.now(), target = $2, last_error = null where id = $1`,
    [id, target],
  );
}

export async function recordFailed(
  client: pg.ClientBase,
  id: string,
  target: string,
  error: string,
): Promise<void> {
  await client.query(
    `update quota.alert_deliveries
     set status = 'failed', target = $2, last_error = $3, next_attempt_at = quota.now() + quota.retry_alert(attempts)
     where id = $1 and status in ('pending', 'failed')`,
    [id, target, error],
  );
}
