import { withAdvisoryLock } from '../db/advisory-lock.ts';
import { isPooled } from '../db/pooled-client.ts';
import { withTransaction } from '../db/transaction.ts';
import { keepAlertsQuiet } from '../usage/past-usage-store.ts';
import { compareGroup, updateCallLogs } from './call-log-changes-store.ts';
import {
  commitSoon,
  endOfGroup,
  insertCallLogs,
  layOutWork,
  tuneGroups,
  type WorkGroup,
} from './call-work-store.ts';
import type { Loader } from './import-file.ts';
import type { PlannedKind } from './import-kind.ts';
import type { ImportReport, ImportSurroundings } from './import-report.ts';
import { loadAnew } from './load-anew.ts';
import { lockImports, refreshStatistics, writeImportAudit } from './staging-store.ts';

/** A file of so many new lines holds nobody up for long: it is one transaction. */
const atOnceMax = 5_000;
/**
 * How long the users of a group should be held, which is while it is counted and until it is committed; how long it should
 * take with all of its calls written before that, which a caller with one of these very calls waits for; and how many lines
 * a group then has, at first and at all.
 */
const heldMsMax = 100;
const groupMsMax = 500;
const groupLines = { first: 1_000, min: 250, max: 20_000 };
/**
 * The tables grow under plans that were made when they were small: their statistics follow, at twice the rows each. What
 * the last half adds is the server's to look at, and enough that it does.
 */
const refreshedFrom = 10_000;
const tables = ['quota.call_logs', 'quota.usage_quotas', 'quota.subscriptions'];

export interface CallLogLoading {
  /** The calls are news: who crosses a threshold by them is told. */
  tellAlerts?: boolean | undefined;
  /** All in one transaction, however many there are. */
  atOnce?: boolean | undefined;
}

/** What was done so far. `differing`: of lines that somebody else added since the plan. */
interface Loaded {
  new: number;
  updated: number;
  differing: number;
}

/**
 * Loads the good lines of the staging table: few of them all or none, more in groups of whole users, each group a
 * transaction with an audit row of its own, so that an app waits for one group only. Whatever ends it, a user has all or
 * none of the calls of the file, or with very many a part of them, and the same file again adds the others.
 */
export const loadCallLogs =
  (loading: CallLogLoading): Loader<PlannedKind> =>
  async (surroundings, _kind, plan, { update, reason }) => {
    const { client, signal, onStep, onUnfinished } = surroundings;
    const onWait = () => onStep('waiting for another import to end');
    const total = await layOutWork(client, update);
    await tuneGroups(client);
    const isOne = loading.atOnce === true || total <= atOnceMax || isPooled(client);
    const done: Loaded = { new: 0, updated: 0, differing: 0 };
    let report = plan;
    let [lines, refreshed] = [isOne ? total : groupLines.first, refreshedFrom / 2];
    const loadGroups = async () => {
      for (let [first, part] = [1, 1]; first <= total; part++) {
        signal.throwIfAborted();
        onStep(`loading lines ${first} and after of ${total}`);
        const last = await endOfGroup(client, first, lines);
        const beganMs = performance.now();
        const group = { ...loading, ...{ first, last, part, total, plan, update, reason } };
        const loaded = await loadGroup(surroundings, done, group);
        report = loaded.report;
        lines = fittingLines(last - first + 1, loaded.heldMs, performance.now() - beganMs);
        first = last + 1;
        if (done.new >= 2 * refreshed && last <= total / 2) {
          refreshed = done.new;
          await refreshStatistics(client, tables);
        }
      }
    };
    try {
      // Between two groups somebody else who loads the same file would go ahead, and each would have added a part.
      await (isOne
        ? loadGroups()
        : withAdvisoryLock(client, `import ${plan.sha256}`, loadGroups, { mode: 'wait', onWait }));
    } catch (error) {
      if (done.new + done.updated > 0) {
        onUnfinished(done.new + done.updated, total);
      }
      throw error;
    }
    return report;
  };

interface GroupToLoad extends WorkGroup, CallLogLoading {
  part: number;
  total: number;
  plan: ImportReport;
  update: boolean;
  reason: string | null;
}

/**
 * Adds what it did to `done`, once that is committed.
 * @returns the report of all that was done so far, and how long users were held
 */
async function loadGroup(
  { client, onStep }: ImportSurroundings,
  done: Loaded,
  group: GroupToLoad,
): Promise<{ report: ImportReport; heldMs: number }> {
  const { loaded, report, heldMs, toldMs } = await loadAnew(onStep, (attempt) =>
    withTransaction(client, async () => {
      await lockImports(client, () => onStep('waiting for another import to end'));
      await (group.tellAlerts === true || keepAlertsQuiet(client));
      const differing = attempt === 1 ? 0 : await compareGroup(client, group);
      const inserted = await insertCallLogs(client, group, attempt === 1 ? 'fail' : 'skip');
      const mayUpdate = group.update && group.plan.differing + differing > 0;
      const why = group.reason ?? `import of ${group.plan.file}`;
      const updated = mayUpdate ? await updateCallLogs(client, group, why) : 0;
      const now = {
        new: done.new + inserted,
        updated: done.updated + updated,
        differing: done.differing + differing,
      };
      const heldMs = group.last < group.total ? await commitSoon(client) : 0;
      const toldMs = performance.now();
      const report = await writeAudit(client, group, now, { new: inserted, updated });
      return { loaded: now, report, heldMs, toldMs };
    }),
  );
  Object.assign(done, loaded);
  return { report, heldMs: heldMs + performance.now() - toldMs };
}

/** A row for each group but the last, which has that of the import as a whole. */
async function writeAudit(
  client: ImportSurroundings['client'],
  { plan, part, last, total, reason }: GroupToLoad,
  loaded: Loaded,
  ofGroup: Omit<Loaded, 'differing'>,
): Promise<ImportReport> {
  const report: ImportReport = {
    ...plan,
    new: loaded.new,
    existing: plan.lines - plan.skipped - plan.rejected - loaded.new,
    differing: plan.differing + loaded.differing,
    updated: loaded.updated,
  };
  const { file, sha256 } = plan;
  if (last < total) {
    if (ofGroup.new + ofGroup.updated > 0) {
      const after = { file, sha256, part, ...ofGroup };
      await writeImportAudit(client, { action: 'call-logs.import-part', file, reason, after });
    }
    return report;
  }
  if (report.new + report.updated === 0) {
    return report;
  }
  const { kind: _kind, dryRun: _dryRun, auditId: _auditId, ...counts } = report;
  const after = part === 1 ? counts : { ...counts, parts: part };
  const auditId = await writeImportAudit(client, { action: 'call-logs.import', file, reason, after });
  return { ...report, auditId };
}

/** So many lines as took the time that a group may take, in steps that no single slow group upsets. */
function fittingLines(lines: number, heldMs: number, tookMs: number): number {
  const fitting = Math.min(heldMsMax / heldMs, groupMsMax / tookMs);
  const wanted = lines * Math.min(Math.max(fitting, 0.5), 2);
  return Math.round(Math.min(Math.max(wanted, groupLines.min), groupLines.max));
}
