import { enforceLimits } from '../../../jobs/enforce-limits.ts';
import { syncLimits } from '../../../jobs/sync-limits.ts';
import { type LimitsSetup, openLimits } from '../../changes/limits-run.ts';
import { prepareDrain } from '../../changes/provider-work.ts';
import type { Context, Handler } from '../../context.ts';
import { drainLimits } from '../../enforcement/drain.ts';
import type { LimitOutcome } from '../../enforcement/limit-task.ts';
import type { Job, JobBatch } from '../../jobs/job.ts';
import { dryRunJob, type JobOptions, type JobReport, runJobCommand } from './run-job-command.ts';
import { settleLimits } from './settle.ts';

export interface EnforceLimitsOptions extends JobOptions {
  /** Seconds; limited assistants that were looked at since are not looked at again. */
  recheckAfter?: number | undefined;
}

/** `{runId, asOf, due, limited, assistants: {limited, unchanged, failed, gone}, durationMs}` */
const enforceReport: JobReport = ({ runId, asOf, due, done, counts, durationMs }) => ({
  runId,
  asOf,
  due,
  limited: done,
  assistants: {
    limited: counts.assistantsLimited ?? 0,
    unchanged: counts.assistantsUnchanged ?? 0,
    failed: counts.assistantsFailed ?? 0,
    gone: counts.assistantsGone ?? 0,
  },
  durationMs,
});

/** `quota jobs enforce-limits` */
export const jobsEnforceLimits: Handler<EnforceLimitsOptions> = async (context, options) => {
  const setup = options.dryRun === true ? undefined : await prepareDrain(context, options);
  const recheck = { afterSeconds: options.recheckAfter };
  return runJobCommand(context, enforceLimits, options, {
    report: enforceReport,
    settle: (client, run) =>
      settleLimits(context, { client, setup, run, desired: 'limited', recheck }, options),
  });
};

/** `quota jobs sync-limits`: `{runId, asOf, due, done, left, limited, restored, failed, gone, durationMs}` */
export const jobsSyncLimits: Handler<JobOptions> = async (context, options) => {
  if (options.dryRun === true) {
    return dryRunJob(context, syncLimits, options);
  }
  const setup = await openLimits(context, options);
  let failed = 0;
  const job = drainingJob(context, setup, () => {
    failed++;
  });
  return runJobCommand(context, job, options, {
    settle: async () => ({ counts: {}, left: failed }),
    report: ({ runId, asOf, due, done, left, counts, durationMs }) => {
      return { runId, asOf, due, done, left, ...noCounts, ...counts, durationMs };
    },
  });
};

const noCounts = { limited: 0, restored: 0, failed: 0, gone: 0 };

function drainingJob(context: Context, setup: LimitsSetup, onFailure: () => void): Job {
  return {
    ...syncLimits,
    withoutTransaction: true,
    async runBatch(client, { runId, size, userId }): Promise<JobBatch> {
      const counts: Record<string, number> = { ...noCounts };
      const names: { [status in LimitOutcome]?: string } = { applied: 'limited' };
      let done = 0;
      const { givenUp } = await drainLimits({
        ...setup,
        client,
        scope: { userIds: userId === null ? null : [userId], dueOnly: true },
        recheck: false,
        limit: size,
        signal: context.signal,
        jobRun: runId,
        onResult: ({ status }) => {
          if (status !== 'superseded') {
            const name = names[status] ?? status;
            counts[name] = (counts[name] ?? 0) + 1;
            done++;
          }
          if (status === 'failed') {
            onFailure();
          }
        },
      });
      if (givenUp !== undefined) {
        context.talk.warn(`given up for now: ${givenUp}`);
      }
      return { done, counts, stop: givenUp === undefined ? undefined : 'unreachable' };
    },
  };
}
