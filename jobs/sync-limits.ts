import type pg from 'pg';
import { type LimitsSetup, openLimits } from '../src/changes/limits-run.ts';
import type { Context } from '../src/context.ts';
import { providerOptions } from '../src/declarations/provider-options.ts';
import { countQueued, type QueueScope, selectQueued } from '../src/enforcement/claim-store.ts';
import { drainLimits } from '../src/enforcement/drain.ts';
import type { LimitResult } from '../src/enforcement/limit-task.ts';
import type { JobBatch, JobBatchRequest, JobScope, JobTotal } from '../src/jobs/job.ts';
import { defineJob, type JobWork } from './define-job.ts';

const queueOf = ({ userId }: JobScope): QueueScope => ({
  userIds: userId === null ? null : [userId],
  dueOnly: true,
});

/** `{runId, asOf, due, done, left, limited, restored, failed, gone, durationMs}` */
export const syncLimits = defineJob({
  name: 'sync-limits',
  summary: 'limit and restore assistants at VAPI: what is queued, and what failed and is due again',
  schedule: '*/5 * * * *',
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
  const settleMissing = async (client: pg.ClientBase, jobRun: string): Promise<JobTotal> => {
    const tally = new Tally();
    await setup.missing.settle({ queries: client, jobRun }, setup.organisation, (result) =>
      tally.add(result),
    );
    failed += tally.counts.failed ?? 0;
    return tally;
  };
  return {
    withoutTransaction: true,
    async runBatch(client, request) {
      const batch = await drainBatch(context, setup, client, request);
      failed += batch.counts.failed ?? 0;
      // At the end of the queue: assistants that VAPI does not know are decided about together.
      return batch.done > 0 ? batch : { ...batch, ...(await settleMissing(client, request.runId)) };
    },
    settle: async (client, { runId }) => {
      const { counts } = await settleMissing(client, runId);
      return { counts, left: failed };
    },
  };
}

async function drainBatch(
  context: Context,
  setup: LimitsSetup,
  client: pg.ClientBase,
  { runId, size, userId, signal }: JobBatchRequest,
): Promise<JobBatch> {
  const tally = new Tally();
  let givenUp: string | undefined;
  let missing: number;
  do {
    missing = setup.missing.count;
    ({ givenUp } = await drainLimits({
      ...setup,
      client,
      scope: queueOf({ userId }),
      recheck: false,
      isBatch: true,
      limit: size,
      signal,
      jobRun: runId,
      onResult: (result) => tally.add(result),
    }));
    // A batch of which VAPI knows nothing is not the end of the queue.
  } while (tally.done === 0 && setup.missing.count > missing && givenUp === undefined);
  if (givenUp !== undefined) {
    context.talk.warn(`given up for now: ${givenUp}`);
  }
  return { ...tally, stop: givenUp === undefined ? undefined : 'unreachable' };
}

/** Assistants that were worked on, by what became of them. */
class Tally implements JobTotal {
  done = 0;
  readonly counts: Record<string, number> = { ...noCounts };

  add({ status }: LimitResult): void {
    if (status !== 'superseded') {
      const name = status === 'applied' ? 'limited' : status;
      this.counts[name] = (this.counts[name] ?? 0) + 1;
      this.done++;
    }
  }
}
