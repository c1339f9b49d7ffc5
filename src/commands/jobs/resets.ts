import { resetAnniversaries } from '../../../jobs/reset-anniversaries.ts';
import { resetMonths } from '../../../jobs/reset-months.ts';
import { prepareCache, refreshCache } from '../../changes/outdated-cache.ts';
import { prepareDrain } from '../../changes/provider-work.ts';
import type { Context, Handler } from '../../context.ts';
import type { ExitCode } from '../../errors.ts';
import type { Job } from '../../jobs/job.ts';
import { type JobOptions, type JobReport, runJobCommand } from './run-job-command.ts';
import { settleLimits } from './settle.ts';

/** `{runId, asOf, due, reset, periodsCaughtUp, assistants: {queued, restored, failed}, durationMs}` */
const resetReport: JobReport = ({ runId, asOf, due, done, counts, durationMs }) => ({
  runId,
  asOf,
  due,
  reset: done,
  periodsCaughtUp: counts.periodsCaughtUp ?? 0,
  assistants: {
    queued: counts.assistantsQueued ?? 0,
    restored: counts.assistantsRestored ?? 0,
    failed: counts.assistantsFailed ?? 0,
  },
  durationMs,
});

async function runReset(context: Context, job: Job, options: JobOptions): Promise<ExitCode> {
  const setup = options.dryRun === true ? undefined : await prepareDrain(context, options);
  const cached: Job = {
    ...job,
    runBatch: async (client, request) => {
      await prepareCache(context, client);
      return job.runBatch(client, request);
    },
  };
  return runJobCommand(context, cached, options, {
    report: resetReport,
    settle: async (client, run) => {
      await refreshCache(context, client);
      return settleLimits(context, { client, setup, run, desired: 'original' }, options);
    },
  });
}

/** `quota jobs reset-anniversaries` */
export const jobsResetAnniversaries: Handler<JobOptions> = (context, options) =>
  runReset(context, resetAnniversaries, options);

/** `quota jobs reset-months` */
export const jobsResetMonths: Handler<JobOptions> = (context, options) =>
  runReset(context, resetMonths, options);
