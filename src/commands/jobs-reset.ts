import { resetAnniversaries } from '../../jobs/reset-anniversaries.ts';
import { resetMonths } from '../../jobs/reset-months.ts';
import type { Handler } from '../context.ts';
import { type JobOptions, type JobReport, runJobCommand } from './jobs-run.ts';

/** `{runId, asOf, due, reset, periodsCaughtUp, assistants: {queued, restored, failed}, durationMs}` */
const resetReport: JobReport = ({ runId, asOf, due, done, counts, durationMs }) => ({
  runId,
  asOf,
  due,
  reset: done,
  periodsCaughtUp: counts.periodsCaughtUp ?? 0,
  assistants: { queued: counts.assistantsQueued ?? 0, restored: 0, failed: 0 },
  durationMs,
});

/** `quota jobs reset-anniversaries` */
export const jobsResetAnniversaries: Handler<JobOptions> = (context, options) =>
  runJobCommand(context, resetAnniversaries, options, resetReport);

/** `quota jobs reset-months` */
export const jobsResetMonths: Handler<JobOptions> = (context, options) =>
  runJobCommand(context, resetMonths, options, resetReport);
