import { purgeWith } from '../../../jobs/purge.ts';
import { reapStale, reapStaleWith } from '../../../jobs/reap-stale.ts';
import { rollUpAnalytics } from '../../../jobs/roll-up-analytics.ts';
import type { Handler } from '../../context.ts';
import { usageError } from '../../errors.ts';
import { type PurgedTable, retentionDaysDefault } from '../../upkeep/purge-store.ts';
import { type JobOptions, runJobCommand } from './run-job-command.ts';

/** `quota jobs roll-up-analytics`: `{runId, asOf, due, done, left, rows, durationMs}`, in days. */
export const jobsRollUpAnalytics: Handler<JobOptions> = (context, options) => {
  refuseUser(options, 'a day is rolled up for all users at once');
  return runJobCommand(context, rollUpAnalytics, options);
};

export interface ReapStaleOptions extends JobOptions {
  /** Seconds. */
  idle?: number;
}

/** `quota jobs reap-stale`: `{runId, asOf, due, done, left, sessions, calls, grants, runs, durationMs}` */
export const jobsReapStale: Handler<ReapStaleOptions> = (context, options) =>
  runJobCommand(
    context,
    options.idle === undefined ? reapStale : reapStaleWith({ idleSeconds: options.idle }),
    options,
  );

export interface PurgeOptions extends JobOptions {
  keep?: { table: PurgedTable; days: number }[];
}

/** `quota jobs purge`: `{runId, asOf, due, done, left, job_runs, usage_alerts, call_details, durationMs}`, in rows. */
export const jobsPurge: Handler<PurgeOptions> = (context, options) => {
  refuseUser(options, 'retention is the same for everybody; quota user erase takes one person out');
  const kept = (options.keep ?? []).map(({ table, days }) => [table, days]);
  return runJobCommand(context, purgeWith({ ...retentionDaysDefault, ...Object.fromEntries(kept) }), options);
};

/** @throws usageError: the option would be silently ignored. */
function refuseUser({ user }: JobOptions, why: string): void {
  if (user !== undefined) {
    throw usageError('--user does not go with this job', { detail: why });
  }
}
