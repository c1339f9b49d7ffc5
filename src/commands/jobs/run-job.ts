import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { JobDefinition, JobWork } from '../../../jobs/define-job.ts';
import { meantUser } from '../../asking/meant-user.ts';
import { agreeToUnusualRun } from '../../changes/unusual-run.ts';
import type { Context } from '../../context.ts';
import type { Given, OptionDeclarations } from '../../declarations/option.ts';
import { type ExitCode, exitCodes, QuotaError } from '../../errors.ts';
import { startDeadline } from '../../jobs/deadline.ts';
import type { JobOutcome, JobScope } from '../../jobs/job.ts';
import { recordRefusal } from '../../jobs/job-run-store.ts';
import { checkMetricsFile, writeMetricsFile } from '../../jobs/metrics-file.ts';
import { createMonitor } from '../../jobs/monitor.ts';
import { runJob } from '../../jobs/run-job.ts';
import { off } from '../../jobs/schedule.ts';
import { incompleteError, nothingDue, outcomeReport, outcomeText } from './outcome.ts';
import type { RunOptions } from './run-options.ts';

/** What the run has to say does not wait longer for the disk that its figures go to, or for the history of refusals. */
const keptMsMax = 2000;

type JobOptions<Options extends OptionDeclarations> = Given<Options> & RunOptions;

/** What becomes of a run while it goes. */
interface Course {
  hasStarted: boolean;
  /** Another run of the job goes on. */
  isLockedOut: boolean;
}

/**
 * One recorded run of a job, told in every format, to a monitor and to a file of metrics; what it leaves undone asks to
 * be run again. Neither the monitor nor the file makes a run fail that has done its work.
 */
export async function runJobCommand<Options extends OptionDeclarations>(
  context: Context,
  job: JobDefinition<Options>,
  options: JobOptions<Options>,
): Promise<ExitCode> {
  const { settings, talk } = context;
  if (settings.schedules[job.name] === off) {
    talk.info(`${job.name} is switched off by QUOTA_SCHEDULES`);
    return exitCodes.ok;
  }
  if (options.maxDuration !== undefined) {
    context.endWithin(options.maxDuration * 1000);
  }
  if (options.metricsFile !== undefined) {
    await checkMetricsFile(options.metricsFile);
  }
  const pingUrl = (options.pingUrl ?? settings.pingUrl)?.replaceAll('{job}', job.name);
  const monitor = pingUrl === undefined ? undefined : createMonitor(pingUrl, talk.warn, context.signal);
  const course: Course = { hasStarted: false, isLockedOut: false };
  const onStart = async () => {
    course.hasStarted = true;
    await monitor?.start();
  };
  try {
    const words = await runTold(context, job, options, { course, onStart });
    await monitor?.end(context.signal.aborted ? exitCodes.tryAgain : exitCodes.ok, words);
    return exitCodes.ok; // After a signal, the code of the signal.
  } catch (error) {
    if (course.isLockedOut && options.ifLocked === 'skip') {
      talk.info(`another run of ${job.name} is in progress: this one is skipped`);
      return exitCodes.ok;
    }
    const exitCode = error instanceof QuotaError ? error.exitCode : exitCodes.bug;
    if (!course.isLockedOut) {
      await monitor?.end(exitCode, (error as Error).message);
    }
    const isRefused = exitCode === exitCodes.configuration && !course.hasStarted;
    if (isRefused && (await isRepeated(context, job.name, error as Error)) && talk.isQuiet) {
      return exitCode; // The run before has said it.
    }
    throw error;
  }
}

/** Runs, and tells the outcome. @throws tryAgainError when something is left */
function runTold<Options extends OptionDeclarations>(
  context: Context,
  job: JobDefinition<Options>,
  options: JobOptions<Options>,
  { course, onStart }: { course: Course; onStart: () => Promise<void> },
): Promise<string> {
  return job.withWork(context, options, async (work) => {
    const outcome = await runMeasured(context, job, options, { work, course, onStart });
    const words = outcomeText(job, outcome);
    if (words !== nothingDue || !context.talk.isQuiet || context.output.format !== 'table') {
      await context.output.write({
        data: job.report?.(outcome) ?? outcomeReport(outcome),
        text: () => words,
      });
    }
    await measure(context, job, options, outcome);
    if (!outcome.isComplete && !context.signal.aborted) {
      throw incompleteError(job, outcome, work.unsettledText);
    }
    return words;
  });
}

/** A run that fails is measured too; one that another run keeps from starting leaves the file to that one. */
export async function runMeasured<Options extends OptionDeclarations>(
  context: Context,
  job: JobDefinition<Options>,
  options: JobOptions<Options>,
  { work, course, onStart }: { work: JobWork; course: Course; onStart: () => Promise<void> },
): Promise<JobOutcome> {
  const { settle } = work;
  const deadline = startDeadline(job.name, options.maxDuration);
  try {
    return await context.withDatabase(
      async (database) => {
        const { client } = database;
        const run = { action: `Run ${job.name}`, name: job.name, dangers: job.danger?.(options) ?? [] };
        await agreeToUnusualRun(context, database, run, options);
        const userId =
          options.user === undefined ? null : (await meantUser(context, client, options.user)).id;
        const runnable = {
          name: job.name,
          unit: job.unit,
          countDue: (on: pg.ClientBase, scope: JobScope) => job.countDue(on, scope, options),
          runBatch: work.runBatch,
          withoutTransaction: work.withoutTransaction,
        };
        return runJob(client, runnable, {
          userId,
          batchSize: options.batchSize ?? job.batchSizeDefault,
          limit: options.limit,
          deadline: deadline.signal,
          ifLocked: options.ifLocked === 'wait' ? 'wait' : 'fail',
          onLocked: () => {
            course.isLockedOut = true;
          },
          redact: context.redact,
          signal: context.signal,
          onStart: async (abandoned) => {
            warnOfAbandoned(context, job.name, abandoned);
            await onStart();
          },
          withProgress: (due, use) => context.talk.withProgress(job.name, due, use),
          settle:
            settle &&
            ((runId, signal) =>
              settle(client, { runId, signal, userIds: userId === null ? null : [userId] })),
        });
      },
      { onAbort: 'finish', until: deadline.signal },
    );
  } catch (error) {
    if (course.hasStarted) {
      await measure(context, job, options, null);
    }
    throw error;
  } finally {
    deadline.cancel();
  }
}

function warnOfAbandoned({ talk }: Context, job: string, abandoned: number): void {
  if (abandoned > 0) {
    const runs = abandoned === 1 ? 'an earlier run' : `${abandoned} earlier runs`;
    talk.warn(`${runs} of ${job} ended without a word; this one does what was left`);
  }
}

async function measure<Options extends OptionDeclarations>(
  { talk }: Context,
  job: JobDefinition<Options>,
  { metricsFile }: RunOptions,
  outcome: JobOutcome | null,
): Promise<void> {
  if (metricsFile !== undefined) {
    const written = writeMetricsFile(metricsFile, job, outcome).then(() => true);
    const inTime = sleep(keptMsMax, false, { ref: false });
    try {
      if (!(await Promise.race([written, inTime]))) {
        talk.warn('the figures of the run are not written yet: the disk does not answer');
      }
    } catch (error) {
      talk.warn(`the figures of the run are not written: ${(error as Error).message}`);
    }
  }
}

/** Keeps a refusal in the history of the job, if there is a database to keep it in. */
async function isRepeated(context: Context, job: string, error: Error): Promise<boolean> {
  try {
    return await context.withDatabase(({ client }) => recordRefusal(client, job, error.message), {
      until: AbortSignal.timeout(keptMsMax),
    });
  } catch {
    return false; // The first error counts.
  }
}
