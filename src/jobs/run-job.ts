import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Progress } from '../context.ts';
import { withAdvisoryLock } from '../db/advisory-lock.ts';
import { hasSqlstate } from '../db/database-error.ts';
import { sqlstates } from '../db/sqlstate.ts';
import { withTransaction } from '../db/transaction.ts';
import { type QuotaError, tryAgainError } from '../errors.ts';
import { heardByMany } from '../heard-by-many.ts';
import type { Job, JobBatch, JobOutcome, JobScope, JobSettlement, JobStop, JobTotal } from './job.ts';
import {
  abandonDeadRuns,
  finishRun,
  insertRun,
  type NewRun,
  selectRunningSince,
  stopClock,
  updateRunCounts,
} from './job-run-store.ts';

export interface RunJobOptions extends JobScope {
  batchSize: number;
  /** At most so many units in this run; undefined: all that is due. */
  limit: number | undefined;
  /** The run stops after the batch in which it aborts. */
  deadline?: AbortSignal | undefined;
  /** What others keep locked is waited for so long before the run ends without it. Default: 30 s. */
  lockedWaitMsMax?: number;
  /** While another run of the job goes on: wait for its end, or fail. Default: fail. */
  ifLocked?: 'wait' | 'fail' | undefined;
  /** Another run goes on, and this one will not wait. */
  onLocked?(): void;
  /** Takes secrets out of the error that the record keeps. */
  redact(text: string): string;
  /** A signal stops the run after its batch. */
  signal: AbortSignal;
  /** The run has the lock and is recorded; so many earlier runs were found whose process had died. */
  onStart(abandoned: number): void | Promise<void>;
  withProgress<T>(due: number, use: (progress: Progress) => Promise<T>): Promise<T>;
  /** Does the provider work that the batches queued, until the signal aborts. */
  settle?: ((runId: string, signal: AbortSignal) => Promise<JobSettlement>) | undefined;
}

const lockedWaitMsMaxDefault = 30_000;
const lockedWaitMs = 250;

/**
 * One recorded run of a job: batches until nothing is due, a signal, the deadline or the limit. The lock only saves
 * work; what makes two runs at once exact are the row locks and unique keys of the batches. It is held by the
 * connection that does the work: it cannot be free while a batch of a killed process is still going on.
 * @throws tryAgainError while another run of the job holds the lock
 */
export async function runJob(client: pg.ClientBase, job: Job, options: RunJobOptions): Promise<JobOutcome> {
  const { deadline = new AbortController().signal } = options;
  const isOver = () => options.signal.aborted || deadline.aborted;
  for (;;) {
    let isLocked = false;
    try {
      return await withAdvisoryLock(
        client,
        `job ${job.name}`,
        () => recordedRun(client, job, options, deadline),
        {
          mode: 'try',
          taken: async () => {
            isLocked = true;
            return inProgressError(client, job);
          },
        },
      );
    } catch (error) {
      if (!isLocked || options.ifLocked !== 'wait' || isOver()) {
        if (isLocked) {
          options.onLocked?.();
        }
        throw error;
      }
    }
    await sleep(lockedWaitMs, undefined, { signal: options.signal }).catch(() => {}); // Interrupted: seen above.
  }
}

async function inProgressError(client: pg.ClientBase, job: Job): Promise<QuotaError> {
  const since = await selectRunningSince(client, job.name);
  return tryAgainError(
    `another run of ${job.name} is in progress${since === null ? '' : ` since ${since}`}`,
    {
      suggestion: `wait for it: quota jobs history ${job.name}`,
    },
  );
}

async function recordedRun(
  client: pg.ClientBase,
  job: Job,
  options: RunJobOptions,
  deadline: AbortSignal,
): Promise<JobOutcome> {
  const abandoned = await abandonDeadRuns(client, job.name);
  const record = await insertRun(client, job.name);
  await options.onStart(abandoned);
  const run: Run = {
    client,
    job,
    options,
    record,
    deadline,
    over: heardByMany(AbortSignal.any([options.signal, deadline])),
    total: { done: 0, counts: {} },
  };
  try {
    const due = await countDue(run);
    const stop = due === 0 ? null : await options.withProgress(due, (progress) => runBatches(run, progress));
    const unsettled = await settle(run);
    const left = stop === null ? 0 : await despiteCancel(() => countDue(run));
    const isComplete = (stop === null || stop === 'limit') && unsettled === 0;
    const { total } = run;
    const end = await despiteCancel(() =>
      finishRun(client, record.id, {
        status: isComplete ? 'completed' : 'incomplete',
        counts: { due, done: total.done, ...total.counts },
        error: isComplete ? null : whyIncomplete(stop, left, unsettled),
      }),
    );
    return { runId: record.id, asOf: record.asOf, due, left, ...total, stop, unsettled, isComplete, ...end };
  } catch (error) {
    await recordFailure(run, run.over.aborted && isCancelled(error) ? whyCancelled(run) : error);
    throw error;
  }
}

/** A statement that was cancelled says only that. */
const whyCancelled = ({ options, deadline }: Run): unknown =>
  options.signal.aborted ? new Error('stopped: interrupted while it waited') : deadline.reason;

interface Run {
  client: pg.ClientBase;
  job: Job;
  options: RunJobOptions;
  record: NewRun;
  /** Aborts at the deadline. */
  deadline: AbortSignal;
  /** Aborts at the deadline and at a signal. */
  over: AbortSignal;
  /** Replaced by each batch that is committed. */
  total: JobTotal;
}

const isCancelled = (error: unknown) => hasSqlstate(error, sqlstates.query_canceled);

/** An interruption cancels one statement (`cancelOnAbort`): what records it is begun again where that was the one. */
async function despiteCancel<T>(use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    if (isCancelled(error)) {
      return use();
    }
    throw error;
  }
}

/** In a transaction at the instant of the run, unless the job makes its own. */
function inTransaction<T>({ client, job, record }: Run, use: () => Promise<T>): Promise<T> {
  if (job.withoutTransaction) {
    return use();
  }
  return withTransaction(client, async () => {
    await stopClock(client, record);
    return use();
  });
}

const countDue = (run: Run): Promise<number> =>
  inTransaction(run, () => run.job.countDue(run.client, run.options));

async function runBatches(run: Run, progress: Progress): Promise<JobStop | null> {
  const { lockedWaitMsMax = lockedWaitMsMaxDefault, signal } = run.options;
  let after: string | null = null;
  let waitedMs = 0;
  for (;;) {
    const stop = reasonToStop(run);
    if (stop !== null) {
      return stop;
    }
    const batch: JobBatch | null = await runBatch(run, after).catch((error: unknown) => {
      if (run.over.aborted && isCancelled(error)) {
        return null; // It waited for longer than it may: rolled back, and left to the next run.
      }
      throw error;
    });
    after = batch?.next ?? null;
    if (batch === null) {
      waitedMs = 0;
    } else if (batch.done > 0) {
      progress.update(run.total.done);
      if (batch.stop !== undefined) {
        return batch.stop;
      }
    } else if ((await countDue(run)) === 0) {
      return null;
    } else if (waitedMs >= lockedWaitMsMax) {
      return 'locked';
    } else {
      after = null;
      await sleep(lockedWaitMs, undefined, { signal }).catch(() => {}); // Interrupted: seen at the next turn.
      waitedMs += lockedWaitMs;
    }
  }
}

function reasonToStop({ options, deadline, total }: Run): JobStop | null {
  if (options.signal.aborted) {
    return 'interrupted';
  }
  if (deadline.aborted) {
    return 'deadline';
  }
  return options.limit !== undefined && total.done >= options.limit ? 'limit' : null;
}

/** What the run has done so far is recorded with the batch, so that it is true whenever the process is killed. */
async function runBatch(run: Run, after: string | null): Promise<JobBatch> {
  const { client, job, record, total } = run;
  const { batchSize, limit = Number.POSITIVE_INFINITY, userId } = run.options;
  const size = Math.min(batchSize, limit - total.done);
  let sum = total;
  const batch = await inTransaction(run, async () => {
    const done = await job.runBatch(client, { runId: record.id, userId, size, after, signal: run.over });
    if (done.done > 0) {
      sum = add(total, done);
      await updateRunCounts(client, record.id, { done: sum.done, ...sum.counts });
    }
    return done;
  });
  run.total = sum;
  return batch;
}

/** Returns how much provider work is left queued. */
async function settle(run: Run): Promise<number> {
  if (run.options.settle === undefined) {
    return 0;
  }
  const { counts, left } = await run.options.settle(run.record.id, run.over);
  run.total = add(run.total, { done: 0, counts });
  return left;
}

function whyIncomplete(stop: JobStop | null, left: number, unsettled: number): string {
  const reasons = [
    ...(stop === null ? [] : [`stopped: ${stop}, ${left} left`]),
    ...(unsettled === 0 ? [] : [`${unsettled} left queued`]),
  ];
  return reasons.join('; ');
}

/** On a broken connection nothing can be recorded: the next run finds this one abandoned. */
async function recordFailure({ client, options, record, total }: Run, error: unknown): Promise<void> {
  const message = error instanceof Error ? error.message : String(error);
  try {
    await finishRun(client, record.id, {
      status: 'failed',
      counts: { done: total.done, ...total.counts },
      error: options.redact(message),
    });
  } catch {}
}

function add(total: JobTotal, batch: JobTotal): JobTotal {
  const counts = { ...total.counts };
  for (const [name, count] of Object.entries(batch.counts)) {
    counts[name] = (counts[name] ?? 0) + count;
  }
  return { done: total.done + batch.done, counts };
}
