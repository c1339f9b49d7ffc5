import type pg from 'pg';
import { type LimitsSetup, openLimits } from '../src/changes/limits-run.ts';
import type { Context } from '../src/context.ts';
import { providerOptions } from '../src/declarations/provider-options.ts';
import { countQueued, type QueueScope, selectQueued } from '../src/enforcement/claim-store.ts';
import { drainLimits } from '../src/enforcement/drain.ts';
import type { LimitOutcome, LimitResult } from '../src/enforcement/limit-task.ts';
import type { JobBatch, JobBatchRequest, JobScope } from '../src/jobs/job.ts';
import { defineJob, type JobWork } from './define-job.ts';

const queueOf = ({ userId }: JobScope): QueueScope => ({
  userIds: userId === null ? null : [userId],
  dueOnly: true,
});

/** `{runId, asOf, due, done, left, limited, restored, failed, gone, durationMs}` */
export const syncLimits = defineJob({
  name: 'sync-limits',
  summary: 'limit and restore assistants at VAPI: what is queued, and what failed and is due again',
  unit: 'assistants',
  scope: 'user',
  batchSizeDefault: 50,
  options: providerOptions,
  countDue: async (client, scope) => {
    const { pending, failed } = await countQueued(client, queueOf(scope));
    return pending + failed;
  },
  listDue: async (client, scope, limit) =>
    (await selectQueued(client, queueOf(scope), limit)).map(
      ({ user, providerAssistantId, desired, status }) => ({
        externalId: user,
        providerAssistantId,
        desired,
        status,
      }),
    ),
  withWork: async (context, options, use) => use(drainingWork(context, await openLimits(context, options))),
  report: ({ runId, asOf, due, done, left, counts, durationMs }) => {
    return { runId, asOf, due, done, left, ...noCounts, ...counts, durationMs };
  },
});

const noCounts = { limited: 0, restored: 0, failed: 0, gone: 0 };

function drainingWork(context: Context, setup: LimitsSetup): JobWork {
  let failed = 0;
  return {
    withoutTransaction: true,
    async runBatch(client, request) {
      const batch = await drainBatch(context, setup, client, request);
      failed += batch.counts.failed ?? 0;
      return batch;
    },
    settle: async () => ({ counts: {}, left: failed }),
  };
}

async function drainBatch(
  context: Context,
  setup: LimitsSetup,
  client: pg.ClientBase,
  { runId, size, userId }: JobBatchRequest,
): Promise<JobBatch> {
  const counts: Record<string, number> = { ...noCounts };
  const names: { [status in LimitOutcome]?: string } = { applied: 'limited' };
  let done = 0;
  const onResult = ({ status }: LimitResult) => {
    if (status !== 'superseded') {
      const name = names[status] ?? status;
      counts[name] = (counts[name] ?? 0) + 1;
      done++;
    }
  };
  const { givenUp } = await drainLimits({
    ...setup,
    client,
    scope: queueOf({ userId }),
    recheck: false,
    limit: size,
    signal: context.signal,
    jobRun: runId,
    onResult,
  });
  if (givenUp !== undefined) {
    context.talk.warn(`given up for now: ${givenUp}`);
  }
  return { done, counts, stop: givenUp === undefined ? undefined : 'unreachable' };
}
