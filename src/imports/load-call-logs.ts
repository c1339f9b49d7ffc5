import type pg from 'pg';
import { withAdvisoryLock } from '../db/advisory-lock.ts';
import { CallGrowth } from '../db/call-growth-store.ts';
import { isPooled } from '../db/pooled-client.ts';
import { withTwoSessions } from '../db/side-by-side.ts';
import { refreshStatistics } from '../db/statistics-store.ts';
import { withTransaction } from '../db/transaction.ts';
import { keepAlertsQuiet } from '../usage/past-usage-store.ts';
import { compareGroup, updateCallLogs } from './call-log-changes-store.ts';
import {
  commitSoon,
  endOfGroup,
  insertCallLogs,
  layOutOther,
  layOutWork,
  tuneGroups,
  type WorkGroup,
} from './call-work-store.ts';
import type { Loader } from './import-file.ts';
import type { PlannedKind } from './import-kind.ts';
import type { ImportReport, ImportSurroundings } from './import-report.ts';
import { loadAnew } from './load-anew.ts';
import { OthersWatch } from './others-watch.ts';
import { createStaging, lockImports, tuneSession, writeImportAudit } from './staging-store.ts';

/** A file of so many new lines holds nobody up for long: it is one transaction. */
const atOnceMax = 5_000;
/** From so many lines on a second session is worth what it has to learn first. */
const besideFrom = 20_000;
/**
 * How long the users of a group should be held, which is while it is counted and until it is committed; how long it should
 * take with all of its calls written before that, which a caller with one of these very calls waits for; and how many lines
 * a group then has, at first and at all.
 */
const heldMsMax = 100;
const groupMsMax = 500;
const groupLines = { first: 1_000, min: 250, max: 20_000 };
/**
 * The tables grow under plans that were made when they were small: their statistics follow, at twice the calls each. What
 * the last half adds is the server's to look at, and enough that it does. New statistics make every session of an app plan
 * all of its statements anew: of a table that was large before there are none to take.
 */
const refreshedFrom = 10_000;
const tables = ['quota.call_logs', 'quota.usage_quotas', 'quota.subscriptions'];

export interface CallLogLoading {
  /** The calls are news: who crosses a threshold by them is told. */
  tellAlerts?: boolean | undefined;
  /** All in one transaction, however many there are. */
  atOnce?: boolean | undefined;
}

interface Counts {
  new: number;
  updated: number;
  /** Of lines that somebody else added since the plan. */
  differing: number;
}

/** A load that one session does, or two of them. */
interface Load extends CallLogLoading {
  plan: ImportReport;
  update: boolean;
  reason: string | null;
  total: number;
  /** What was done, and is committed. */
  done: Counts;
  /** Groups that were begun, of all loaders. */
  parts: number;
  growth: CallGrowth;
  /** Something has ended it: no loader begins another group. */
  isOver: boolean;
  /** Two sessions load, and make room for apps. */
  watch?: OthersWatch;
}

/** One of the sessions that load, and the lines that are laid out in it. */
interface LoadingSession {
  client: pg.ClientBase;
  loader: 'first' | 'other';
  lines: number;
  /** The lines of its first group. */
  firstLines: number;
  /** Whose last group ends the import: it waits for the others. Undefined: somebody else's does. */
  others?: () => Promise<unknown>;
}

/**
 * Loads the good lines of the staging table: few of them all or none, more in groups of whole users, each group a
 * transaction with an audit row of its own, so that an app waits for one group only; very many by two sessions, each with
 * users of its own. Whatever ends it, a user has all or none of the calls of the file, or with very many a part of them, and
 * the same file again adds the others.
 */
export const loadCallLogs =
  (loading: CallLogLoading): Loader<PlannedKind> =>
  async (surroundings, kind, plan, { update, reason }) => {
    const { client, onStep, onUnfinished } = surroundings;
    const total = plan.new + (update ? plan.differing : 0);
    const done = { new: 0, updated: 0, differing: 0 };
    const isOne = loading.atOnce === true || total <= atOnceMax || isPooled(client);
    const fewest = refreshedFrom / 2;
    const growth = isOne ? new CallGrowth(0, fewest) : await CallGrowth.begin(client, fewest);
    const load: Load = { ...loading, plan, update, reason, total, done, growth, parts: 0, isOver: false };
    const loadAll = () =>
      isOne || total < besideFrom
        ? loadAlone(surroundings, load, isOne ? total : groupLines.first)
        : withTwoSessions(surroundings, ([, other]) =>
            other === undefined
              ? loadAlone(surroundings, load, groupLines.first)
              : loadSideBySide(surroundings, load, kind, other),
          );
    const onWait = () => onStep('waiting for another import to end');
    try {
      // Between two groups somebody else who loads the same file would go ahead, and each would have added a part.
      return await (isOne
        ? loadAll()
        : withAdvisoryLock(client, `import ${plan.sha256}`, loadAll, { mode: 'wait', onWait }));
    } catch (error) {
      if (done.new + done.updated > 0) {
        onUnfinished(done.new + done.updated, total);
      }
      throw error;
    }
  };

async function loadAlone(
  surroundings: ImportSurroundings,
  load: Load,
  firstLines: number,
): Promise<ImportReport> {
  const { client } = surroundings;
  const lines = await layOutWork(client, load.update);
  await tuneGroups(client);
  const others = async () => {};
  return loadGroups(surroundings, load, { client, loader: 'first', lines, firstLines, others });
}

/** The other session is given its lines first, and loads them while those that are left are laid out. */
async function loadSideBySide(
  surroundings: ImportSurroundings,
  load: Load,
  kind: PlannedKind,
  other: pg.Client,
): Promise<ImportReport> {
  const { client } = surroundings;
  load.watch = await OthersWatch.begin(client);
  await tuneSession(other);
  await createStaging(other, kind.columns);
  await kind.store.compare(other);
  const firstLines = groupLines.first;
  const given = await layOutOther(client, other, load.update);
  await tuneGroups(other);
  const isAlone = given === load.total; // All calls are of one user, or of a few.
  const beside = loadGroups(surroundings, load, {
    ...{ client: other, loader: 'other', lines: given, firstLines },
    ...(isAlone && { others: async () => {} }),
  });
  const own = async () => {
    const lines = isAlone ? 0 : await layOutWork(client, load.update, 'own');
    await tuneGroups(client);
    const others = () => beside;
    return loadGroups(surroundings, load, { client, loader: 'first', lines, firstLines, others });
  };
  const ends = await Promise.allSettled([beside, own()]);
  const [ofOther, ofOwn] = ends.map((end) => {
    if (end.status === 'rejected') {
      throw end.reason;
    }
    return end.value;
  });
  return (isAlone ? ofOther : ofOwn) ?? load.plan;
}

/** @returns the report of the import, where it has ended it */
async function loadGroups(
  surroundings: ImportSurroundings,
  load: Load,
  session: LoadingSession,
): Promise<ImportReport> {
  const { signal, onStep } = surroundings;
  const { client, loader, lines: total, others } = session;
  let report = load.plan;
  let lines = session.firstLines;
  try {
    for (let first = 1; first <= total && !load.isOver; ) {
      signal.throwIfAborted();
      const last = await endOfGroup(client, first, lines);
      await load.watch?.look(client, load.parts);
      if (last === total) {
        await others?.();
      }
      load.parts += 1;
      const part = load.parts;
      onStep(
        `loading lines ${first} to ${last} of ${total}${loader === 'other' ? ' in the other session' : ''}`,
      );
      const isEnd = last === total && others !== undefined;
      const loaded = await loadGroup(surroundings, load, session, { first, last, part, isEnd });
      report = loaded.report;
      lines = fittingLines(last - first + 1, loaded.heldMs, loaded.tookMs);
      first = last + 1;
      if (load.done.new <= load.total / 2 && load.growth.hasDoubled(load.done.new)) {
        await refreshStatistics(client, tables);
      }
    }
    return report;
  } catch (error) {
    load.isOver = true;
    throw error;
  }
}

/** Lines of a session that are loaded in one transaction; the end of the import, or a part of it. */
interface Group extends WorkGroup {
  part: number;
  isEnd: boolean;
}

/**
 * Adds what it did to what is done, once that is committed.
 * @returns the report of all that was done so far, how long it took, and how long users were held
 */
async function loadGroup(
  { onStep }: ImportSurroundings,
  load: Load,
  { client, loader }: LoadingSession,
  group: Group,
): Promise<{ report: ImportReport; tookMs: number; heldMs: number }> {
  const { done, plan, update, reason } = load;
  const onWait = () => onStep('waiting for another import to end');
  const place = loader === 'other' && load.watch?.areThere === false ? 'import beside' : 'import';
  const { now, report, beganMs, heldMs, toldMs } = await loadAnew(onStep, (attempt) =>
    withTransaction(client, async () => {
      await lockImports(client, load.watch ? () => {} : onWait, place);
      const beganMs = performance.now();
      await (load.tellAlerts === true || keepAlertsQuiet(client));
      const differing = attempt === 1 ? 0 : await compareGroup(client, group);
      const inserted = await insertCallLogs(client, group, attempt === 1 ? 'fail' : 'skip');
      const mayUpdate = update && plan.differing + differing > 0;
      const why = reason ?? `import of ${plan.file}`;
      const updated = mayUpdate ? await updateCallLogs(client, group, why) : 0;
      const now = { new: inserted, updated, differing };
      const heldMs = group.isEnd ? 0 : await commitSoon(client);
      const toldMs = performance.now();
      const report = await writeAudit(client, load, group, now);
      return { now, report, beganMs, heldMs, toldMs };
    }),
  );
  done.new += now.new;
  done.updated += now.updated;
  done.differing += now.differing;
  const endedMs = performance.now();
  return { report, tookMs: endedMs - beganMs, heldMs: heldMs + endedMs - toldMs };
}

/** A row for each group but the last, which has that of the import as a whole. */
async function writeAudit(
  client: pg.ClientBase,
  { plan, reason, done }: Load,
  { part, isEnd }: Group,
  now: Counts,
): Promise<ImportReport> {
  const report: ImportReport = {
    ...plan,
    new: done.new + now.new,
    existing: plan.lines - plan.skipped - plan.rejected - done.new - now.new,
    differing: plan.differing + done.differing + now.differing,
    updated: done.updated + now.updated,
  };
  const { file, sha256 } = plan;
  if (!isEnd) {
    if (now.new + now.updated > 0) {
      const after = { file, sha256, part, new: now.new, updated: now.updated };
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
