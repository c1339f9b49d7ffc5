import type pg from 'pg';
import { notFoundError } from '../../errors.ts';
import { type StoredPlan, selectPlans } from './plan-store.ts';

/** @throws notFoundError with the plans that there are */
export async function findPlan(client: pg.ClientBase, key: string): Promise<StoredPlan> {
  const plans = await selectPlans(client, null);
  const found = plans.find(({ definition }) => definition.key === key);
  if (found === undefined) {
    throw notFoundError(`no plan "${key}"`, {
      suggestion: `the plans are ${plans.map(({ definition }) => definition.key).join(', ')}`,
    });
  }
  return found;
}
