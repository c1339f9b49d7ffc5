import type pg from 'pg';

/** A limit of a service that a day went beyond, and that nobody was told of yet. */
export interface DueOperatorAlert {
  day: string;
  /** Null: all services together. */
  service: string | null;
  kind: 'daily_cost' | 'error_rate';
  /** Money, or errors in percent of the calls. */
  value: string;
  limit: string;
}

/** Of today and yesterday, UTC. */
export async function selectOperatorAlertsDue(client: pg.ClientBase): Promise<DueOperatorAlert[]> {
  const { rows } = await client.query<DueOperatorAlert>(
    `select day::text, nullif(service, '') as service, kind, value::text as value, limit_value::text as limit
     from quota.operator_alerts_due()`,
  );
  return rows;
}

/** Raises them, each once; how many. */
export async function raiseOperatorAlerts(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ raised: number }>('select quota.raise_operator_alerts() as raised');
  return rows[0]?.raised ?? 0;
}
