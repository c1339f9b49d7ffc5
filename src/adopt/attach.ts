import type pg from 'pg';
import type { PlanDocument } from '../allowances/files/plan-document.ts';
import { insertAuditEntry } from '../audit/audit-entry-store.ts';
import { withSnapshot, withTrial } from '../db/transaction.ts';
import { type CheckedMapping, checkMapping, tryOnRows } from './check-mapping.ts';
import type { Mapping } from './mapping.ts';
import { attachSources, lockProducts, selectProduct, waitBriefly } from './product-store.ts';
import { mappingError, readMapping } from './read-mapping.ts';
import { type AppDatabase, beside } from './remote/app-database.ts';
import type { FollowMarks } from './remote/follow-marks.ts';
import { selectFirstMarks } from './remote/told-store.ts';
import { type OutdatedSource, selectOutdated } from './renew.ts';

export interface AttachPlan {
  mapping: Mapping;
  checked: CheckedMapping;
  /** The same is attached already. */
  isAttached: boolean;
  /** The same is attached, by a version that made other functions, or before there were some of the partitions. */
  outdated: OutdatedSource[];
  /** What is put on the app's tables; in another database nothing is. */
  triggers: string[];
  /** Where following begins, by the name of the source in another database. */
  followed: Record<string, FollowMarks>;
}

/**
 * Reads a mapping and holds it against the database; changes nothing.
 * @throws badInputError with everything that is wrong, by place
 */
export async function planAttach(
  client: pg.ClientBase,
  document: PlanDocument,
  app: AppDatabase = beside(client),
): Promise<AttachPlan> {
  const { remote } = app;
  const mapping = { ...readMapping(document), ...(remote !== null && { remote }) };
  const checked = await withTrial(client, () => checkMapping(client, mapping, app));
  const onRows =
    checked.problems.length === 0 ? await withSnapshot(app.client, () => tryOnRows(app.client, checked)) : [];
  const problems = [...checked.problems, ...onRows];
  if (problems.length > 0) {
    throw mappingError(document, problems);
  }
  const stored = await selectProduct(client, mapping.product);
  const isSame =
    stored !== null &&
    stored.detachedAt === null &&
    JSON.stringify(sorted(stored.mapping)) === JSON.stringify(sorted(mapping));
  const outdated = isSame
    ? await selectOutdated(client, stored.sources, checked.sources, mapping.timezone)
    : [];
  const isWatched = checked.sources.filter(({ reading }) => reading === undefined);
  const triggers = isWatched.flatMap(({ table }) =>
    ['insert', 'update', 'delete'].map((operation) => `after ${operation} on ${table.relation}`),
  );
  const followed: Record<string, FollowMarks> = {};
  for (const { source, reading } of checked.sources) {
    if (reading !== undefined) {
      followed[source.name] = await selectFirstMarks(app, reading);
    }
  }
  return { mapping, checked, isAttached: isSame && outdated.length === 0, outdated, triggers, followed };
}

/** The same content in the same order: the database keeps none. */
const sorted = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(sorted)
    : typeof value === 'object' && value !== null
      ? Object.fromEntries(
          Object.entries(value)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([key, one]) => [key, sorted(one)]),
        )
      : value;

/** Attaches what was planned, within the transaction of the caller. The id of its audit row. */
export async function attachProduct(
  client: pg.ClientBase,
  { mapping, checked, outdated, triggers, followed }: AttachPlan,
  reason: string | undefined,
): Promise<string> {
  await waitBriefly(client);
  await lockProducts(client);
  if (outdated.length === 0) {
    await attachSources(
      client,
      mapping,
      checked.sources.map((placed) => {
        const marks = followed[placed.source.name];
        return { ...placed, ...(marks && { followed: marks }) };
      }),
    );
  }
  // The same as before goes on where it was: nothing of it is to be backfilled anew.
  for (const { install } of outdated) {
    await install(client);
  }
  return insertAuditEntry(client, {
    action: 'adopt.attached',
    subject: mapping.product,
    reason,
    after: {
      services: mapping.services,
      triggers,
      ...(mapping.remote && { database: mapping.remote.database }),
    },
  });
}
