import type pg from 'pg';
import type { ControlTotal } from './control-total.ts';

/**
 * Keeps what the provider counted of a fetched export. A list that was cut off since takes nothing from it: while the
 * provider counts what it counted when they agreed, that stays. Returns whether it was changed.
 */
export async function updateControl(
  client: pg.ClientBase,
  { id, exportId, control }: { id: string; exportId: number; control: ControlTotal },
): Promise<boolean> {
  const { rowCount } = await client.query(
    `update quota.reconciliation_exports x set control = $3::jsonb
     where x.reconciliation_id = $1 and x.export_id = $2
       and (x.control - 'to') is distinct from ($3::jsonb - 'to')
       and ((x.control ->> 'agrees')::boolean is not true
         or (x.control #> '{calls,provider}', x.control #> '{cost,provider}')
           is distinct from ($3::jsonb #> '{calls,provider}', $3::jsonb #> '{cost,provider}'))`,
    [id, exportId, JSON.stringify(control)],
  );
  return rowCount === 1;
}

/** What the provider counted of a month's fetched export; null where it has none, or was not told. */
export const controlOf = (reconciliationId: string) => `(
  select x.control from quota.reconciliation_exports x
  where x.reconciliation_id = ${reconciliationId} and x.control is not null order by x.export_id desc limit 1)`;

export async function selectControl(client: pg.ClientBase, id: string): Promise<ControlTotal | null> {
  const { rows } = await client.query<{ control: ControlTotal | null }>(
    `select ${controlOf('$1')} as control`,
    [id],
  );
  return rows[0]?.control ?? null;
}
