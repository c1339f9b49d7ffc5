import type pg from 'pg';

/** Warns once per period of every allowance that runs out before its reset at its pace; how many. */
export async function raisePaceAlerts(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ raised: number }>('select quota.raise_pace_alerts() as raised');
  return rows[0]?.raised ?? 0;
}
