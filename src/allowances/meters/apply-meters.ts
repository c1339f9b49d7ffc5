import type pg from 'pg';
import { insertAuditEntry } from '../../audit/audit-entry-store.ts';
import { replaceMeterTemplates, selectTemplates } from '../../cache/template-store.ts';
import { refusedError, tryAgainError } from '../../errors.ts';
import { checkCacheTemplates } from '../files/cache-fields.ts';
import type { PlanProblem } from '../files/plan-document.ts';
import type { MeterDefinition, MeterDifference } from './meter.ts';
import {
  type CountChange,
  lockMeters,
  recountMeters,
  selectCountChanges,
  selectMeters,
  upsertMeters,
} from './meter-store.ts';
import { meterDifferences } from './meter-yaml.ts';

/** What applying one meter of a file does. */
export interface MeterChange {
  key: string;
  service: string;
  unit: string;
  action: 'create' | 'update' | 'unchanged';
  changes: MeterDifference[];
}

export interface MetersPlan {
  /** In the order of the file. */
  meters: MeterChange[];
  definitions: MeterDefinition[];
  before: MeterDefinition[];
  /** Running periods that count otherwise. */
  counts: CountChange[];
}

/** What defining meters so would change; changes nothing. */
export async function planMeters(
  client: pg.ClientBase,
  definitions: MeterDefinition[],
  before: MeterDefinition[],
): Promise<MetersPlan> {
  const meters = definitions.map((definition): MeterChange => {
    const stored = before.find(({ key }) => key === definition.key);
    const changes = meterDifferences(stored, definition);
    const action = stored === undefined ? 'create' : changes.length > 0 ? 'update' : 'unchanged';
    const { key, service, unit } = definition;
    return { key, service, unit, action, changes };
  });
  const changed = definitions.filter((_, index) => countsOtherwise(meters[index]));
  const counts = changed.length === 0 ? [] : await selectCountChanges(client, changed);
  return { meters, definitions, before, counts };
}

/** A name in a cache counts nothing. */
const countsOtherwise = (change: MeterChange | undefined) =>
  change?.action === 'update' && change.changes.some(({ path }) => path !== 'redis');

export interface AppliedMeters {
  auditIds: string[];
  /** As they were when it was applied. */
  counts: CountChange[];
}

/**
 * Applies what was planned, within the transaction of the caller: an audit row per changed meter, and running periods
 * counted anew.
 * @throws tryAgainError when the meters have changed since
 */
export async function applyMeters(
  client: pg.ClientBase,
  plan: MetersPlan,
  reason: string | undefined,
): Promise<AppliedMeters> {
  const keys = (action: MeterChange['action']) =>
    plan.meters.filter((change) => change.action === action).map(({ key }) => key);
  const [created, updated] = [keys('create'), keys('update')];
  if (created.length + updated.length === 0) {
    return { auditIds: [], counts: [] };
  }
  const recounted = plan.meters.filter(countsOtherwise).map(({ key }) => key);
  await lockMeters(client, recounted);
  if (JSON.stringify(await selectMeters(client)) !== JSON.stringify(plan.before)) {
    throw tryAgainError('the meters have changed since they were compared', {
      suggestion: 'run the command again and look at the new comparison',
    });
  }
  const definitions = plan.definitions.filter(({ key }) => created.includes(key) || updated.includes(key));
  const changed = definitions.filter(({ key }) => recounted.includes(key));
  const counts = changed.length === 0 ? [] : await selectCountChanges(client, changed);
  await upsertMeters(client, definitions);
  if (changed.length > 0) {
    await recountMeters(client, recounted);
  }
  await keepInCache(client, plan, definitions);
  const auditIds: string[] = [];
  for (const definition of definitions) {
    const own = counts.filter(({ meter }) => meter === definition.key);
    auditIds.push(
      await insertAuditEntry(client, {
        action: 'meter.applied',
        service: definition.service,
        subject: definition.key,
        reason,
        before: plan.before.find(({ key }) => key === definition.key),
        after: {
          ...definition,
          recounted: { periods: own.length, users: new Set(own.map(({ externalId }) => externalId)).size },
        },
      }),
    );
  }
  return { auditIds, counts };
}

/** @throws refusedError where an adopted product has the name in the cache */
async function keepInCache(
  client: pg.ClientBase,
  { before }: MetersPlan,
  definitions: readonly MeterDefinition[],
): Promise<void> {
  const moved = definitions.filter(
    ({ key, redis }) =>
      JSON.stringify(redis) !== JSON.stringify(before.find((meter) => meter.key === key)?.redis ?? null),
  );
  if (moved.length === 0) {
    return;
  }
  const problems: PlanProblem[] = [];
  const adopted = (await selectTemplates(client)).filter(({ product }) => product !== null);
  checkCacheTemplates(
    moved.flatMap(({ key, redis }) => (redis === null ? [] : [{ path: [key], meter: key, template: redis }])),
    adopted,
    problems,
  );
  if (problems.length > 0) {
    throw refusedError('an adopted product has this name in Redis', {
      detail: problems.map(({ message }) => message).join('\n'),
      suggestion: 'leave it to the mapping of the product: quota adopt status',
    });
  }
  await replaceMeterTemplates(client, moved);
}
