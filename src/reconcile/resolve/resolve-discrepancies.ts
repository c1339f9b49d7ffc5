import type pg from 'pg';
import { insertAuditEntry } from '../../audit/audit-entry-store.ts';
import { withTransaction } from '../../db/transaction.ts';
import { notFoundError, tryAgainError, usageError } from '../../errors.ts';
import { DecimalSum } from '../../values/decimal-sum.ts';
import { type Answer, computeAnswer } from '../match/compute-answer.ts';
import type { Decision, Kind } from '../match/kinds.ts';
import { openReconciliation } from '../months/reconciliation-store.ts';
import type { StoredReconciliation } from '../months/stored-reconciliation.ts';
import { type LogWriter, ownLogs } from './log-writer.ts';
import {
  type Candidate,
  lockCandidates,
  selectBilledCalls,
  selectCandidates,
  selectCandidatesOfKinds,
  selectLogCorrections,
  selectUsualService,
  updateResolutions,
} from './resolution-store.ts';

export interface ResolveRequest {
  /** Discrepancies by their ids; otherwise all open ones of `kinds`. */
  ids: readonly string[];
  kinds: readonly Kind[];
  /** Only those of this user. */
  userId: string | undefined;
  as: Decision;
  reason: string;
  /** Of calls that are to be logged; default: what calls of the provider are usually logged as. */
  service: string | undefined;
}

/** What resolving would do. Sums are exact decimals. */
export interface ResolvePlan {
  ids: string[];
  kinds: { kind: Kind; count: number; billed: string; logged: string }[];
  /** Logs to be added and to be changed. */
  logs: { add: string[]; change: string[] };
  /** Billed calls that cannot be logged: nobody knows whose they are, or no log could hold them. */
  left: { unknownAssistant: number; impossible: number };
  service: string | null;
}

/** Kinds whose logs can be brought in line with the bill. */
export const correctable: readonly Kind[] = [
  'unlogged',
  'duration_mismatch',
  'cost_mismatch',
  'attribution_mismatch',
];

/** What the calls of a provider are. */
const services: Readonly<Record<string, string>> = { vapi: 'voice', heygen: 'avatar', liveavatar: 'avatar' };

/** @throws notFoundError for ids that there are not; usageError for what cannot be corrected */
export async function planResolve(
  client: pg.ClientBase,
  { id: reconciliationId, provider }: StoredReconciliation,
  request: Omit<ResolveRequest, 'reason'>,
): Promise<ResolvePlan> {
  const { ids, kinds, userId, as } = request;
  const candidates =
    ids.length > 0
      ? await requireCandidates(client, reconciliationId, ids)
      : await selectCandidatesOfKinds(client, {
          reconciliationId,
          kinds,
          userId,
          areResolved: as === 'open',
        });
  if (as === 'open') {
    requireResolved(candidates);
  }
  const isCorrection = as === 'corrected';
  if (isCorrection) {
    requireCorrectable(candidates);
  }
  const unlogged = isCorrection ? candidates.filter(({ kind }) => kind === 'unlogged') : [];
  const unknown = unlogged.filter(({ ownerId }) => ownerId === null);
  const impossible = unlogged.filter(({ ownerId, isLoggable }) => ownerId !== null && !isLoggable);
  const left = new Set([...unknown, ...impossible]);
  const resolved = candidates.filter((one) => !left.has(one));
  const idsOf = (some: readonly Candidate[]) => some.map(({ id }) => id);
  const add = unlogged.filter((one) => !left.has(one));
  return {
    ids: idsOf(resolved),
    kinds: sumByKind(resolved),
    logs: {
      add: idsOf(add),
      change: isCorrection ? idsOf(resolved.filter(({ kind }) => kind !== 'unlogged')) : [],
    },
    left: { unknownAssistant: unknown.length, impossible: impossible.length },
    service: add.length === 0 ? null : await serviceOf(client, provider, request.service),
  };
}

async function requireCandidates(
  client: pg.ClientBase,
  reconciliationId: string,
  ids: readonly string[],
): Promise<Candidate[]> {
  const found = await selectCandidates(client, ids);
  const missing = ids.filter(
    (id) => !found.some((one) => one.id === id && one.reconciliationId === reconciliationId),
  );
  if (missing.length > 0) {
    throw notFoundError(`no discrepancy ${missing.join(', ')} in this month`, {
      suggestion: 'quota reconcile show --month M --kind K lists them with their ids',
    });
  }
  const gone = found.filter(({ isCurrent }) => !isCurrent);
  if (gone.length > 0) {
    throw usageError(`discrepancy ${gone.map(({ id }) => id).join(', ')} is gone since it was resolved`, {
      suggestion: 'leave it as it is',
    });
  }
  return found;
}

function requireResolved(candidates: readonly Candidate[]): void {
  const open = candidates.filter(({ isResolved }) => !isResolved);
  if (open.length > 0) {
    throw usageError(`discrepancy ${open.map(({ id }) => id).join(', ')} is open already`, {
      suggestion: 'leave it out',
    });
  }
}

function requireCorrectable(candidates: readonly Candidate[]): void {
  const wrong = [...new Set(candidates.map(({ kind }) => kind))].filter(
    (kind) => !correctable.includes(kind),
  );
  if (wrong.length > 0) {
    throw usageError(`${wrong.join(', ')} cannot be corrected from the bill`, {
      detail: `logs can be corrected for ${correctable.join(', ')}`,
      suggestion: 'resolve these --as accepted or --as disputed',
    });
  }
}

async function serviceOf(
  client: pg.ClientBase,
  provider: string,
  given: string | undefined,
): Promise<string> {
  const service = given ?? services[provider] ?? (await selectUsualService(client, provider));
  if (service === undefined) {
    throw usageError(`what are calls of ${provider}? None has been logged yet`, {
      suggestion: '--service voice, avatar, transcription or chat',
    });
  }
  return service;
}

function sumByKind(candidates: readonly Candidate[]): ResolvePlan['kinds'] {
  const sums = new Map<Kind, { count: number; billed: DecimalSum; logged: DecimalSum }>();
  for (const { kind, billed, logged } of candidates) {
    const sum = sums.get(kind) ?? { count: 0, billed: new DecimalSum(), logged: new DecimalSum() };
    sums.set(kind, sum);
    sum.count += 1;
    sum.billed.add(billed);
    sum.logged.add(logged);
  }
  return [...sums].map(([kind, { count, billed, logged }]) => ({
    kind,
    count,
    billed: billed.toString(),
    logged: logged.toString(),
  }));
}

export interface ResolveResult {
  logs: { added: number; changed: number };
  auditId: string;
  /** The month after logs were added or changed; null where none was. */
  answer: Answer | null;
}

/**
 * Does what was planned, in one transaction: changes the logs, matches the month anew, keeps the resolutions.
 * @param logs where they are; default: in this database
 * @throws tryAgainError when discrepancies have gone since the plan was made
 */
export async function applyResolve(
  client: pg.ClientBase,
  { provider, month }: StoredReconciliation,
  { as, reason, ids }: ResolveRequest,
  plan: ResolvePlan,
  logs: LogWriter = ownLogs,
): Promise<ResolveResult> {
  const { add, change } = plan.logs;
  await logs.prepare(client, [...add, ...change]);
  return withTransaction(client, async () => {
    const id = await openReconciliation(client, provider, month);
    const resolution = { as, reason, onlyOpen: ids.length === 0 };
    if ((await lockCandidates(client, plan.ids, resolution)) !== plan.ids.length) {
      throw tryAgainError('the month has been reconciled anew since the plan was made; nothing was changed', {
        suggestion: 'look at it again',
      });
    }
    const changed =
      change.length === 0 ? 0 : await logs.change(client, await selectLogCorrections(client, change), reason);
    const added =
      plan.service === null
        ? 0
        : await logs.add(client, await selectBilledCalls(client, add, plan.service), reason);
    // Not before the logs: this looks at users, and what is read of a shard is read as it is then.
    await updateResolutions(client, plan.ids, resolution);
    const isChanged = add.length + change.length > 0;
    const answer = isChanged ? (await computeAnswer(client, id)).answer : null;
    const auditId = await insertAuditEntry(client, {
      action: 'discrepancy.resolve',
      subject: `${provider} ${month}`,
      reason,
      after: { as, ids: plan.ids, kinds: plan.kinds, logs: { added, changed } },
    });
    return { logs: { added, changed }, auditId, answer };
  });
}
