import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Progress } from '../context.ts';
import { withAdvisoryLock } from '../db/advisory-lock.ts';
import type { Job, JobBatch, JobOutcome, JobScope, JobSettlement, JobStop } from './job.ts';
import { abandonDeadRuns, finishRun, insertRun, updateRunCounts } from './job-run-store.ts';

export interface RunJobOptions extends JobScope {
  batchSize: number;
  /** At most so many units in this run; undefined: all that is due. */
  limit: number | undefined;
  /** The run stops after the batch in which this passes. */
  maxDurationSeconds: number | undefined;
  /** A signal stops the run after its batch. */
  signal: AbortSignal;
  /** Runs left behind by processes that died, when there were any. */
  onAbandoned(runs: number): void;
  withProgress<T>(due: number, use: (progress: Progress) => Promise<T>): Promise<T>;
  /** Does the provider work that the batches queued, until the signal aborts. */
  settle?: ((runId: string, signal: AbortSignal) => Promise<JobSettlement>) | undefined;
}

/** What others hold is waited for so long before the run ends without it. */
const lockedWaitMsMax = 30_000;
const lockedWaitMs = 250;

/**
 * One recorded run of a job: batches until nothing is due, a signal, the deadline or the limit. The lock only saves
 * work; what makes two runs at once exact are the row locks and unique keys of the batches.
 * @throws tryAgainError while another run of the job holds the lock
 */
export function runJob(client: pg.ClientBase, job: Job, options: RunJobOptions): Promise<JobOutcome> {
  return withAdvisoryLock(client, `job ${job.name}`, () => recordedRun(client, job, options), {
    mode: 'try',
  });
}

async function recordedRun(client: pg.ClientBase, job: Job, options: RunJobOptions): Promise<JobOutcome> {
  const abandoned = await abandonDeadRuns(client, job.name);
  if (abandoned > 0) {
    options.onAbandoned(abandoned);
  }
  const run = await insertRun(client, job.name);
  const total: JobBatch = { done: 0, counts: {} };
  const deadline = startDeadline(options.maxDurationSeconds);
  try {
    const due = await job.countDue(client, options);
    const stop =
      due === 0
        ? null
        : await options.withProgress(due, (progress) =>
            runBatches(client, job, { ...options, runId: run.id, total, progress, deadline }),
          );
    const unsettled = await settle(run.id, total, deadline, options);
    const left = stop === null ? 0 : await job.countDue(client, options);
    const isComplete = (stop === null || stop === 'limit') && unsettled === 0;
    const durationMs = await finishRun(client, run.id, {
      status: isComplete ? 'completed' : 'incomplete',
      counts: { due, done: total.done, ...total.counts },
      error: isComplete ? null : whyIncomplete(stop, left, unsettled),
    });
    return { runId: run.id, asOf: run.asOf, due, left, ...total, stop, unsettled, durationMs };
  } catch (error) {
    await recordFailure(client, run.id, total, error);
    throw error;
  } finally {
    deadline.cancel();
  }
}

/** Returns how much provider work is left queued. */
async function settle(
  runId: string,
  total: JobBatch,
  deadline: Deadline,
  options: RunJobOptions,
): Promise<number> {
  if (options.settle === undefined) {
    return 0;
  }
  const settlement = await options.settle(runId, AbortSignal.any([options.signal, deadline.signal]));
  addTo(total, { done: 0, counts: settlement.counts });
  return settlement.left;
}

function whyIncomplete(stop: JobStop | null, left: number, unsettled: number): string {
  const reasons = [
    ...(stop === null ? [] : [`stopped: ${stop}, ${left} left`]),
    ...(unsettled === 0 ? [] : [`${unsettled} left queued`]),
  ];
  return reasons.join('; ');
}

/** On a broken connection nothing can be recorded: the next run finds this one abandoned. */
async function recordFailure(
  client: pg.ClientBase,
  runId: string,
  total: JobBatch,
  error: unknown,
): Promise<void> {
  const message = error instanceof Error ? error.message : String(error);
  try {
    await finishRun(client, runId, {
      status: 'failed',
      counts: { done: total.done, ...total.counts },
      error: message,
    });
  } catch {}
}

interface Batches extends RunJobOptions {
  runId: string;
  /** Grows with each batch. */
  total: JobBatch;
  progress: Progress;
  deadline: Deadline;
}

async function runBatches(client: pg.ClientBase, job: Job, options: Batches): Promise<JobStop | null> {
  const { runId, userId, total, progress, signal, deadline } = options;
  let waitedMs = 0;
  for (;;) {
    const size = Math.min(options.batchSize, (options.limit ?? Number.POSITIVE_INFINITY) - total.done);
    const stop = signal.aborted
      ? 'interrupted'
      : deadline.signal.aborted
        ? 'deadline'
        : size <= 0
          ? 'limit'
          : null;
    if (stop !== null) {
      return stop;
    }
    const batch = await job.runBatch(client, { runId, userId, size });
    if (batch.done > 0) {
      addTo(total, batch);
      await updateRunCounts(client, runId, { done: total.done, ...total.counts });
      progress.update(total.done);
      if (batch.stop !== undefined) {
        return batch.stop;
      }
    } else if ((await job.countDue(client, options)) === 0) {
      return null;
    } else if (waitedMs >= lockedWaitMsMax) {
      return 'locked';
    } else {
      await sleep(lockedWaitMs, undefined, { signal }).catch(() => {}); // Interrupted: seen at the next turn.
      waitedMs += lockedWaitMs;
    }
  }
}

function addTo(total: JobBatch, batch: JobBatch): void {
  total.done += batch.done;
  for (const [name, count] of Object.entries(batch.counts)) {
    total.counts[name] = (total.counts[name] ?? 0) + count;
  }
}

interface Deadline {
  signal: AbortSignal;
  cancel(): void;
}

function startDeadline(seconds: number | undefined): Deadline {
  const controller = new AbortController();
  const timer = seconds === undefined ? undefined : setTimeout(() => controller.abort(), seconds * 1000);
  return { signal: controller.signal, cancel: () => clearTimeout(timer) };
}
