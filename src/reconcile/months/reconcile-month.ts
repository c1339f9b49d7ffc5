import type pg from 'pg';
import { insertAuditEntry } from '../../audit/audit-entry-store.ts';
import { withTransaction, withTrial } from '../../db/transaction.ts';
import { badInputError, notFoundError, usageError } from '../../errors.ts';
import type { InputSource } from '../../files/input.ts';
import type { ExportOptions } from '../../providers/exports/opened-export.ts';
import { attachExports, tellRepeated } from '../exports/attach-exports.ts';
import { type StoredExport, selectAttachedOfSource } from '../exports/export-store.ts';
import { type LoadSurroundings, loadExport } from '../exports/load-export.ts';
import { loadNothing } from '../exports/load-nothing.ts';
import { selectControl, updateControl } from '../fetch/control-store.ts';
import type { ControlTotal } from '../fetch/control-total.ts';
import type { CompleteFetch } from '../fetch/fetch-calls.ts';
import { fetchedSource, loadFetch } from '../fetch/load-fetch.ts';
import { type Bill, selectBill } from '../match/bill-store.ts';
import { type Differences, readDifferences } from '../match/claim.ts';
import { type Answer, computeAnswer } from '../match/compute-answer.ts';
import { isDiscrepancy, type Kind } from '../match/kinds.ts';
import { type Quantities, selectQuantities } from '../match/quantity-store.ts';
import {
  expectMonthInMemory,
  openReconciliation,
  selectProviders,
  type Tolerances,
  updateTolerances,
} from './reconciliation-store.ts';

export interface ReconcileRequest {
  /** `2026-10`. */
  month: string;
  /** Default: that of the exports, or the only one that the month has. */
  provider: string | undefined;
  /** None: the exports that the month has are held against the logs anew. */
  sources: readonly InputSource[];
  /** In place of files: what was fetched from the provider. It takes the place of a former fetch of the month. */
  fetched?: { fetch: CompleteFetch; control: ControlTotal | null } | undefined;
  reader: Omit<ExportOptions, 'provider'>;
  /** Given ones are kept for later runs. */
  tolerances: Partial<Tolerances>;
  /** The exports take the place of those that the month has. */
  replace: boolean;
  /** In place of exports: nothing was billed. */
  nothingBilled?: boolean | undefined;
  dryRun: boolean;
  reason: string | undefined;
}

/** The answer of `quota reconcile`. */
export interface Reconciliation extends Answer, Bill {
  id: string;
  provider: string;
  month: string;
  dryRun: boolean;
  /** Null where nothing was changed. */
  auditId: string | null;
  /** What the bill states in place of money; null where it states amounts. */
  quantities: Quantities | null;
  /** What differs in money, either way, and what of it can be claimed back; null where the bill states no amounts. */
  differences: Differences | null;
  /** Only of a month that was fetched: what the provider counts itself; null where it would not say. */
  control?: ControlTotal | null;
}

/**
 * Loads exports, holds them against the logs and stores the answer: all of it or nothing, in one transaction.
 * The same exports against the same logs change nothing. On a dry run everything is done, and rolled back.
 * @throws badInputError for exports that cannot be read, or are of another provider or month; refusedError for a
 * closed month
 */
export function reconcileMonth(
  surroundings: LoadSurroundings & { onStep: (step: string) => void },
  request: ReconcileRequest,
): Promise<Reconciliation> {
  const { client } = surroundings;
  const run = () => reconcile(surroundings, request);
  return request.dryRun ? withTrial(client, run) : withTransaction(client, run);
}

async function reconcile(
  surroundings: LoadSurroundings & { onStep: (step: string) => void },
  request: ReconcileRequest,
): Promise<Reconciliation> {
  const { client, onStep } = surroundings;
  const { month, dryRun, fetched } = request;
  const loaded: StoredExport[] = [];
  // Before the new one comes: it may be the same.
  const former =
    fetched === undefined ? [] : await selectAttachedOfSource(client, formerFetches(fetched.fetch));
  for (const source of request.sources) {
    loaded.push(
      await loadExport(surroundings, source, { ...request.reader, provider: request.provider }, month),
    );
  }
  const fetchedExport =
    fetched === undefined ? undefined : await loadFetch(surroundings, fetched.fetch, request.reader);
  if (fetchedExport !== undefined) {
    loaded.push(fetchedExport);
  }
  if (request.nothingBilled) {
    loaded.push(await loadNothing(client, request.provider ?? (await onlyProvider(client, month)), month));
  }
  const provider = providerOf(loaded) ?? request.provider ?? (await onlyProvider(client, month));
  const id = await openReconciliation(client, provider, month);
  await updateTolerances(client, id, request.tolerances);
  const moved = await attachExports(client, id, loaded, { ...request, former });
  const counted = await keepControl(client, id, request, fetchedExport);
  await expectMonthInMemory(client);
  onStep(`matching ${month} of ${provider}`);
  const { answer, changed } = await computeAnswer(client, id, { isTrial: dryRun });
  if (moved > 0) {
    await tellRepeated(surroundings, id, month);
  }
  const auditId =
    (changed + moved === 0 && !counted.isNew) || dryRun
      ? null
      : await insertAuditEntry(client, {
          action: 'reconciliation.run',
          subject: `${provider} ${month}`,
          reason: request.reason,
          after: { ...answer, ...counted.member },
        });
  const quantities = await selectQuantities(client, id);
  const bill = await selectBill(client, id);
  const data = { id, provider, month, ...answer, ...bill, quantities, dryRun, auditId, ...counted.member };
  const differences = (await readDifferences(client, [data], { isTrial: dryRun })).get(id) ?? null;
  return { ...data, differences };
}

/** What the provider counts, as this run was told or else as the month keeps it: it goes with its export. */
async function keepControl(
  client: pg.ClientBase,
  id: string,
  { fetched }: ReconcileRequest,
  fetchedExport: StoredExport | undefined,
): Promise<{ isNew: boolean; member: Pick<Reconciliation, 'control'> }> {
  if (fetched === undefined || fetchedExport === undefined) {
    const control = await selectControl(client, id);
    return { isNew: false, member: control === null ? {} : { control } };
  }
  const { control } = fetched;
  const isNew =
    control !== null && (await updateControl(client, { id, exportId: fetchedExport.id, control }));
  return { isNew, member: { control } };
}

const formerFetches = ({ key: { provider, month } }: CompleteFetch) => ({
  provider,
  month,
  source: fetchedSource,
});

function providerOf(loaded: readonly StoredExport[]): string | undefined {
  const [first, ...others] = loaded;
  const other = others.find(({ provider }) => provider !== first?.provider);
  if (first !== undefined && other !== undefined) {
    throw badInputError(
      `${first.source} is a bill of ${first.provider}, ${other.source} of ${other.provider}`,
      {
        suggestion: 'reconcile one provider at a time',
      },
    );
  }
  return first?.provider;
}

async function onlyProvider(client: pg.ClientBase, month: string): Promise<string> {
  const [provider, ...others] = await selectProviders(client, month);
  if (provider === undefined) {
    throw notFoundError(`no bill of ${month} has been loaded`, {
      suggestion:
        'name its files: --export FILE; if nothing was billed, say by whom: --nothing-billed --provider NAME',
    });
  }
  if (others.length > 0) {
    throw usageError(`${month} has bills of several providers`, {
      detail: [provider, ...others].join(', '),
      suggestion: `say which: --provider ${provider}`,
    });
  }
  return provider;
}

/** Whether anything in it differs, or the provider counts otherwise: exit 3. */
export const hasDiscrepancies = ({ kinds, control }: Pick<Reconciliation, 'kinds' | 'control'>): boolean =>
  control?.agrees === false || (Object.keys(kinds) as Kind[]).some(isDiscrepancy);
