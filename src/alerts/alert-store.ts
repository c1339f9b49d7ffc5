import type pg from 'pg';
import type { AlertMessage } from './alert-target.ts';

/** A sender that dies leaves its alerts due again after so long; longer than any sending takes. */
const leaseSeconds = 300;

const isDue = `status in ('pending', 'failed') and next_attempt_at <= quota.now()`;

export async function countDueAlerts(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ due: number }>(
    `select ((select count(*) from quota.alert_deliveries where ${isDue})
       + (select count(*) from quota.operator_alerts where ${isDue}))::integer as due`,
  );
  return rows[0]?.due ?? 0;
}

/** Alerts that were tried and wait for the next attempt. */
export async function countFailedAlerts(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ failed: number }>(
    `select ((select count(*) from quota.alert_deliveries where status = 'failed')
       + (select count(*) from quota.operator_alerts where status = 'failed'))::integer as failed`,
  );
  return rows[0]?.failed ?? 0;
}

export async function selectDueAlerts(
  client: pg.ClientBase,
  limit: number,
): Promise<Record<string, unknown>[]> {
  const { rows } = await client.query<{ crossedAt: Date }>(
    `select u.external_id as "externalId", d.meter, a.level, d.threshold, a.crossed_at as "crossedAt",
       quota.alert_payload(d.user_id, d.id) is not null as "isTrue", d.attempts, d.last_error as "lastError"
     from quota.alert_deliveries d
     join quota.usage_alerts a using (user_id, id)
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
       and a.user_id = d.user_id and a.id = d.id and a.crossed_at < quota.now() - make_interval(secs => $1)`,
    [maxAgeSeconds],
  );
  const operators = await client.query(
    `update quota.operator_alerts set status = 'expired', settled_at = quota.now()
     where ${isDue} and raised_at < quota.now() - make_interval(secs => $1)`,
    [maxAgeSeconds],
  );
  return (rowCount ?? 0) + (operators.rowCount ?? 0);
}

export interface ClaimedAlerts {
  /** True as of the claim, with the figures of that instant; the first crossed first. */
  alerts: AlertMessage[];
  /** Ids of those that are not so any more. */
  untrue: string[];
}

/** Takes alerts that are due. */
export async function claimAlerts(client: pg.ClientBase, limit: number): Promise<ClaimedAlerts> {
  const { rows } = await client.query<{ id: string; payload: object | null }>(
    'select id, payload from quota.claim_alerts($1, make_interval(secs => $2))',
    [limit, leaseSeconds],
  );
  return {
    alerts: rows.flatMap(({ id, payload }) =>
      payload === null ? [] : [{ id, table: 'alert_deliveries', body: JSON.stringify(payload) }],
    ),
    untrue: rows.flatMap(({ id, payload }) => (payload === null ? [id] : [])),
  };
}

/** The same for those of limits of the operator, which stay true: a day is what it was when it went beyond. */
export async function claimOperatorAlerts(client: pg.ClientBase, limit: number): Promise<AlertMessage[]> {
  const { rows } = await client.query<{ id: string; payload: object }>(
    'select id, payload from quota.claim_operator_alerts($1, make_interval(secs => $2))',
    [limit, leaseSeconds],
  );
  return rows.map(({ id, payload }) => ({ id, table: 'operator_alerts', body: JSON.stringify(payload) }));
}

/** Ends what nobody is to be told; returns how many. Those whose user is being written to wait for the next claim. */
export async function withdrawAlerts(client: pg.ClientBase, ids: readonly string[]): Promise<number> {
  if (ids.length === 0) {
    return 0;
  }
  const { rows } = await client.query<{ withdrawn: number }>(
    'select quota.withdraw_alerts($1) as withdrawn',
    [ids],
  );
  return rows[0]?.withdrawn ?? 0;
}

export async function recordDelivered(
  client: pg.ClientBase,
  { id, table }: AlertMessage,
  target: string,
): Promise<void> {
  await client.query(
    `update quota.${table}
     set status = 'delivered', settled_at = quota.now(), target = $2, last_error = null where id = $1`,
    [id, target],
  );
}

export async function recordFailed(
  client: pg.ClientBase,
  { id, table }: AlertMessage,
  target: string,
  error: string,
): Promise<void> {
  await client.query(
    `update quota.${table}
     set status = 'failed', target = $2, last_error = $3, next_attempt_at = quota.now() + quota.retry_alert(attempts)
     where id = $1 and status in ('pending', 'failed')`,
    [id, target, error],
  );
}
