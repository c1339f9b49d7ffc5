import { rollUpAnalytics } from '../../jobs/roll-up-analytics.ts';
import type { Handler } from '../context.ts';
import { usageError } from '../errors.ts';
import { type JobOptions, runJobCommand } from './jobs-run.ts';

/** `quota jobs roll-up-analytics`: `{runId, asOf, due, done, left, rows, durationMs}`, in days. */
export const jobsRollUpAnalytics: Handler<JobOptions> = (context, options) => {
  refuseUser(options, 'a day is rolled up for all users at once');
  return runJobCommand(context, rollUpAnalytics, options);
};

/** @throws usageError: the option would be silently ignored. */
function refuseUser({ user }: JobOptions, why: string): void {
  if (user !== undefined) {
    throw usageError('--user does not go with this job', { detail: why });
  }
}
