import type pg from 'pg';
import type { Context } from '../context.ts';
import type { Desired, LimitOutcome } from '../enforcement/limit-task.ts';
import type { JobSettlement, SettleRequest } from '../jobs/job.ts';
import type { LimitsSetup } from './limits-run.ts';
import { type DrainAfterOptions, drainAfter } from './provider-work.ts';

interface Settle {
  client: pg.ClientBase;
  setup: LimitsSetup | undefined;
  run: SettleRequest;
  desired: Desired;
  recheck?: { afterSeconds: number | undefined };
}

/** Drains what is queued and due after the batches of a job. */
export async function settleLimits(
  context: Context,
  { client, setup, run, desired, recheck }: Settle,
  options: DrainAfterOptions,
): Promise<JobSettlement> {
  const scope = { userIds: run.userIds, dueOnly: true, desired };
  const drained = await drainAfter(
    context,
    { client, setup, scope, jobRun: run.runId, signal: run.signal, recheck },
    options,
  );
  const count = (status: LimitOutcome) => drained.results.filter((result) => result.status === status).length;
  return {
    counts: {
      ...(desired === 'limited'
        ? { assistantsLimited: count('applied'), assistantsUnchanged: drained.unchanged }
        : { assistantsRestored: count('restored') }),
      assistantsFailed: count('failed'),
      assistantsGone: count('gone'),
    },
    // Without a key this is not the place where provider work is done: said, and no failure of the job.
    left: setup === undefined ? 0 : drained.unfinished,
  };
}
