import type pg from 'pg';
import { quantityIn } from '../values/quantity.ts';
import { selectServiceUnit } from './record-store.ts';

/**
 * A quantity of a service as it was typed: `900` or `15m` of one that is measured in seconds, a whole number of
 * messages. Of an unknown service it stays as it is: the database says which there are.
 * @throws usageError where the service is not measured so
 */
export async function readQuantity(client: pg.ClientBase, service: string, text: string): Promise<string> {
  const unit = await selectServiceUnit(client, service);
  return unit === undefined ? text : quantityIn(unit, text);
}
