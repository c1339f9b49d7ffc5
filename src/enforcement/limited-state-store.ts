import type { Queries } from '../db/serial-queries.ts';

/** The limited states that plans carry, as they were applied. */
export async function selectPlanStates(queries: Queries): Promise<{ key: string; state: unknown }[]> {
  const { rows } = await queries.query<{ key: string; state: unknown }>(
    'select key, limited_state as state from quota.plans where limited_state is not null order by key',
  );
  return rows;
}
