import { raiseAlerts } from '../../../jobs/raise-alerts.ts';
import { countFailedAlerts } from '../../alerts/alert-store.ts';
import { openAlertTarget } from '../../alerts/alert-target.ts';
import { deliverAlerts } from '../../alerts/deliver-alerts.ts';
import type { Context } from '../../context.ts';
import { type ExitCode, usageError } from '../../errors.ts';
import type { Job } from '../../jobs/job.ts';
import { dryRunJob, type JobOptions, runJobCommand } from './run-job-command.ts';

export interface RaiseAlertsOptions extends JobOptions {
  /** Seconds. */
  maxAge?: number;
}

const maxAgeSecondsDefault = 7 * 86_400;

/**
 * `quota jobs raise-alerts`: `{runId, asOf, due, done, left, delivered, failedAttempts, expired, durationMs}`. Exit 75
 * as long as an alert waits for another attempt.
 */
export async function jobsRaiseAlerts(context: Context, options: RaiseAlertsOptions): Promise<ExitCode> {
  if (options.user !== undefined) {
    throw usageError('--user does not go with this job', { detail: 'alerts are told as they come' });
  }
  if (options.dryRun === true) {
    return dryRunJob(context, raiseAlerts, options);
  }
  const delivery = {
    target: await openAlertTarget(context.settings, context.now),
    maxAgeSeconds: options.maxAge ?? maxAgeSecondsDefault,
  };
  const job: Job = {
    ...raiseAlerts,
    withoutTransaction: true,
    runBatch: (client, { size }) => deliverAlerts(client, delivery, size),
  };
  return runJobCommand(context, job, options, {
    settle: async (client) => ({ counts: {}, left: await countFailedAlerts(client) }),
    unsettledText: 'alerts wait for another attempt',
    report: ({ runId, asOf, due, done, left, unsettled, counts, durationMs }) => {
      return { runId, asOf, due, done, left: left + unsettled, ...noCounts, ...counts, durationMs };
    },
  });
}

const noCounts = { delivered: 0, failedAttempts: 0, expired: 0 };
