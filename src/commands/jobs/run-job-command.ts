import type pg from 'pg';
import type { DrainAfterOptions } from '../../changes/provider-work.ts';
import type { Context } from '../../context.ts';
import { type ExitCode, exitCodes, type QuotaError, tryAgainError } from '../../errors.ts';
import type { Job, JobDefinition, JobOutcome, JobSettlement } from '../../jobs/job.ts';
import { writeMetricsFile } from '../../jobs/metrics-file.ts';
import { runJob } from '../../jobs/run-job.ts';
import { findUser } from '../../users/find-user.ts';

export interface JobOptions extends DrainAfterOptions {
  dryRun?: boolean;
  user?: string;
  batchSize?: number;
  limit?: number;
  maxDuration?: number;
  metricsFile?: string;
}

/** How many a dry run names. */
const dueListMax = 100;

/** What a job reports as JSON, from its outcome. */
export type JobReport = (outcome: JobOutcome) => Record<string, unknown>;

/** What a job has besides its batches. */
export interface JobExtras {
  report?: JobReport | undefined;
  /** Does the provider work that the batches queued, until the signal aborts. */
  settle?: ((client: pg.ClientBase, run: SettleRequest) => Promise<JobSettlement>) | undefined;
  /** What is said of work that is left, after its number. */
  unsettledText?: string;
}

export interface SettleRequest {
  runId: string;
  /** Null: everybody. */
  userIds: string[] | null;
  signal: AbortSignal;
}

/** A run of a job, or with `--dry-run` what it would find: `{dryRun, job, asOf, due, first: [...]}`. */
export async function runJobCommand(
  context: Context,
  job: Job,
  options: JobOptions,
  { report = outcomeReport, settle, unsettledText = unsettledTextDefault }: JobExtras = {},
): Promise<ExitCode> {
  if (options.dryRun === true) {
    return dryRunJob(context, job, options);
  }
  const outcome = await runMeasured(context, job, options, settle);
  await context.output.write({
    data: report(outcome),
    text: () => outcomeText(job, outcome),
  });
  if (options.metricsFile !== undefined) {
    await writeMetricsFile(options.metricsFile, job, outcome);
  }
  if (!outcome.isComplete && !context.signal.aborted) {
    throw incompleteError(job, outcome, unsettledText);
  }
  return exitCodes.ok; // After a signal, the code of the signal.
}

/** A run that fails is measured too; one that another run keeps from starting leaves the file to that one. */
async function runMeasured(
  context: Context,
  job: Job,
  options: JobOptions,
  settle: JobExtras['settle'],
): Promise<JobOutcome> {
  let hasStarted = false;
  const onStart = (abandoned: number) => {
    hasStarted = true;
    if (abandoned > 0) {
      const runs = abandoned === 1 ? 'an earlier run' : `${abandoned} earlier runs`;
      context.talk.warn(`${runs} of ${job.name} ended without a word; this one does what was left`);
    }
  };
  try {
    return await context.withDatabase(
      async ({ client }) => {
        const userId = options.user === undefined ? null : (await findUser(client, options.user)).id;
        return runJob(client, job, {
          userId,
          batchSize: options.batchSize ?? job.batchSizeDefault,
          limit: options.limit,
          maxDurationSeconds: options.maxDuration,
          signal: context.signal,
          onStart,
          withProgress: (due, use) => context.talk.withProgress(job.name, due, use),
          settle:
            settle &&
            ((runId, signal) =>
              settle(client, { runId, signal, userIds: userId === null ? null : [userId] })),
        });
      },
      { onAbort: 'finish' },
    );
  } catch (error) {
    if (hasStarted && options.metricsFile !== undefined) {
      await writeMetricsFile(options.metricsFile, job, null).catch(() => {}); // The first error counts.
    }
    throw error;
  }
}

function incompleteError(job: Job, outcome: JobOutcome, unsettledText: string): QuotaError {
  const { stop, left, unsettled } = outcome;
  switch (stop) {
    case 'deadline':
      return tryAgainError(`${job.name} has reached its deadline: ${left} ${job.unit} are left`, {
        suggestion: 'run it again, it goes on where it stopped; or give it a longer --max-duration',
      });
    case 'locked':
      return tryAgainError(`${left} ${job.unit} stay locked by other transactions`, {
        suggestion: 'run it again; a transaction that never ends shows in pg_stat_activity',
      });
    case 'unreachable':
      return tryAgainError(`the provider is out of reach: ${left} ${job.unit} are left`, {
        suggestion: 'run it again when the provider answers',
      });
    default:
      return tryAgainError(`${unsettled} ${unsettledText}`, {
        suggestion: 'run it again; what fails is tried again after a pause',
      });
  }
}

/** What a job would find: `{dryRun, job, asOf, due, first: [...]}`. */
export async function dryRunJob(
  context: Context,
  job: JobDefinition,
  options: JobOptions,
): Promise<ExitCode> {
  const data = await context.withDatabase(async ({ client }) => {
    const userId = options.user === undefined ? null : (await findUser(client, options.user)).id;
    const due = await job.countDue(client, { userId });
    const first = await job.listDue(client, { userId }, dueListMax);
    return { dryRun: true, job: job.name, asOf: context.now().toISOString(), due, first };
  });
  await context.output.write({
    data,
    rows: data.first,
    text: ({ due, first }, style) =>
      due === 0
        ? 'nothing due'
        : [
            `${style.yellow('would do')} ${due} ${job.unit}`,
            ...first.map((row) => `  ${Object.values(row).join('  ')}`),
            ...(due > first.length ? [`  … and ${due - first.length} more`] : []),
          ].join('\n'),
  });
  return exitCodes.ok;
}

const outcomeReport: JobReport = ({ runId, asOf, due, done, left, counts, durationMs }) => ({
  runId,
  asOf,
  due,
  done,
  left,
  ...counts,
  durationMs,
});

const unsettledTextDefault = 'assistants are left queued: see quota limits status';

function outcomeText(job: Job, outcome: JobOutcome): string {
  const { due, done, left, counts, stop, unsettled, durationMs } = outcome;
  if (due === 0 && unsettled === 0 && Object.values(counts).every((count) => count === 0)) {
    return 'nothing due';
  }
  const details = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)}`);
  const lines = [
    `${job.name}: ${[`${done} of ${due} ${job.unit}`, ...details].join(', ')} in ${(durationMs / 1000).toFixed(1)} s`,
  ];
  if (stop === 'limit' || stop === 'interrupted') {
    lines.push(
      `${stop === 'limit' ? 'stopped at the limit' : 'interrupted'}: ${left} left, the next run goes on`,
    );
  }
  return lines.join('\n');
}
