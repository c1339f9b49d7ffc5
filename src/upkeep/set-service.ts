import type pg from 'pg';
import { withTransaction } from '../db/transaction.ts';
import { notFoundError, usageError } from '../errors.ts';
import { selectServiceSettings, storeServiceSettings } from './service-settings-store.ts';
import { allServices, type ServiceTerms } from './service-terms.ts';

export interface ServicePlan {
  service: string;
  before: ServiceTerms;
  after: ServiceTerms;
  isSame: boolean;
}

/**
 * What changes, and what stays as it is.
 * @throws notFoundError when no meter counts such a service; usageError for details of all services together
 */
export async function planService(
  client: pg.ClientBase,
  service: string,
  changes: Partial<ServiceTerms>,
): Promise<ServicePlan> {
  const stored = await selectServiceSettings(client);
  const found = stored.find((one) => one.service === service);
  if (found === undefined) {
    throw notFoundError(`there is no service "${service}"`, {
      suggestion: `use one of ${stored.map((one) => one.service).join(', ')}`,
    });
  }
  if (service === allServices && (changes.keepDetailsDays ?? null) !== null) {
    throw usageError('details are kept by service', { suggestion: 'name the service in place of all' });
  }
  const { maxDailyCost, maxErrorPercent, keepDetailsDays } = found;
  const before = { maxDailyCost, maxErrorPercent, keepDetailsDays };
  const after = { ...before, ...changes };
  return { service, before, after, isSame: JSON.stringify(before) === JSON.stringify(after) };
}

/**
 * @returns the id of the audit row; null where somebody changed it in the meantime
 * @throws notFoundError when no meter counts the service any more
 */
export function applyService(
  client: pg.ClientBase,
  { service, before, after }: ServicePlan,
  reason: string | undefined,
): Promise<string | null> {
  return withTransaction(client, async () => {
    const { before: now } = await planService(client, service, {});
    return JSON.stringify(now) === JSON.stringify(before)
      ? storeServiceSettings(client, service, after, reason)
      : null;
  });
}
