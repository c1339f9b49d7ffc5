import type pg from 'pg';
import type { JobDefinition, JobWork } from '../../../jobs/define-job.ts';
import { agreeToUnusualRun } from '../../changes/unusual-run.ts';
import type { Context } from '../../context.ts';
import type { Given, OptionDeclarations } from '../../declarations/option.ts';
import { type ExitCode, exitCodes } from '../../errors.ts';
import type { JobOutcome, JobScope } from '../../jobs/job.ts';
import { writeMetricsFile } from '../../jobs/metrics-file.ts';
import { runJob } from '../../jobs/run-job.ts';
import { findUser } from '../../users/find-user.ts';
import { incompleteError, outcomeReport, outcomeText } from './outcome.ts';
import type { RunOptions } from './run-options.ts';

/** One recorded run of a job, told in every format; what it leaves undone asks to be run again. */
export const runJobCommand = <Options extends OptionDeclarations>(
  context: Context,
  job: JobDefinition<Options>,
  options: Given<Options> & RunOptions,
): Promise<ExitCode> =>
  job.withWork(context, options, async (work) => {
    const outcome = await runMeasured(context, job, options, work);
    await context.output.write({
      data: job.report?.(outcome) ?? outcomeReport(outcome),
      text: () => outcomeText(job, outcome),
    });
    if (options.metricsFile !== undefined) {
      await writeMetricsFile(options.metricsFile, job, outcome);
    }
    if (!outcome.isComplete && !context.signal.aborted) {
      throw incompleteError(job, outcome, work.unsettledText);
    }
    return exitCodes.ok; // After a signal, the code of the signal.
  });

/** A run that fails is measured too; one that another run keeps from starting leaves the file to that one. */
async function runMeasured<Options extends OptionDeclarations>(
  context: Context,
  job: JobDefinition<Options>,
  options: Given<Options> & RunOptions,
  work: JobWork,
): Promise<JobOutcome> {
  const { settle } = work;
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
      async (database) => {
        const { client } = database;
        const run = { action: `Run ${job.name}`, name: job.name, dangers: job.danger?.(options) ?? [] };
        await agreeToUnusualRun(context, database, run, options);
        const userId = options.user === undefined ? null : (await findUser(client, options.user)).id;
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
