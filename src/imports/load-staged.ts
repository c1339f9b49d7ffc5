import { refreshStatistics } from '../db/statistics-store.ts';
import { withTransaction } from '../db/transaction.ts';
import type { ImportKind } from './import-kind.ts';
import type { ImportOptions, ImportReport, ImportSurroundings } from './import-report.ts';
import { loadAnew } from './load-anew.ts';
import { lockImports, writeImportAudit } from './staging-store.ts';

/** Smaller imports leave the statistics of the tables good enough. */
const refreshedFrom = 10_000;

type LoadSurroundings = Pick<ImportSurroundings, 'client' | 'onStep'>;

/** Loads the good lines of the staging table, all or none of them, and returns what the plan has become. */
export async function loadStaged(
  surroundings: LoadSurroundings,
  kind: ImportKind,
  plan: ImportReport,
  options: Pick<ImportOptions, 'update' | 'reason'>,
): Promise<ImportReport> {
  const { client, onStep } = surroundings;
  const report = await loadAnew(onStep, (attempt) =>
    withTransaction(client, () => load(surroundings, kind, plan, options, attempt)),
  );
  if (report.new >= refreshedFrom) {
    await refreshStatistics(client, kind.store.tables);
  }
  return report;
}

async function load(
  { client, onStep }: LoadSurroundings,
  { name, store }: ImportKind,
  plan: ImportReport,
  { update, reason }: Pick<ImportOptions, 'update' | 'reason'>,
  attempt: number,
): Promise<ImportReport> {
  await lockImports(client, () => onStep('waiting for another import to end'));
  const isFirst = attempt === 1;
  const { differing } = isFirst ? plan : await store.compare(client);
  onStep(`loading ${plan.new} lines`);
  const inserted = await store.insert(client, isFirst ? 'fail' : 'skip');
  const why = reason ?? `import of ${plan.file}`;
  const updated = update && differing > 0 ? await store.update(client, why) : 0;
  const report: ImportReport = {
    ...plan,
    new: inserted.new,
    existing: plan.lines - plan.skipped - plan.rejected - inserted.new,
    differing,
    updated,
    subscriptions: inserted.subscriptions ?? null,
  };
  if (report.new + updated + (report.subscriptions ?? 0) === 0) {
    return report;
  }
  const { kind: _kind, dryRun: _dryRun, auditId: _auditId, ...counts } = report;
  const auditId = await writeImportAudit(client, {
    action: `${name}.import`,
    file: plan.file,
    reason,
    after: counts,
  });
  return { ...report, auditId };
}
