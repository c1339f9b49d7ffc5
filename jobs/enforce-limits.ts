import { prepareDrain } from '../src/changes/provider-work.ts';
import { settleLimits } from '../src/changes/settle-limits.ts';
import { drainOptions, recheckOptions } from '../src/declarations/provider-options.ts';
import { countToLimit, enforceBatch, selectToLimit } from '../src/enforcement/enforce-store.ts';
import { defineJob } from './define-job.ts';

/** `{runId, asOf, due, limited, assistants: {limited, unchanged, failed, gone}, durationMs}` */
export const enforceLimits = defineJob({
  name: 'enforce-limits',
  summary: 'limit whoever is over the allowance and is not limited, and put lost limits on again',
  schedule: '*/5 * * * *',
  unit: 'users',
  scope: 'user',
  batchSizeDefault: 500,
  options: { ...drainOptions, ...recheckOptions },
  isDearToCount: true,
  countDue: (client, { userId }) => countToLimit(client, userId),
  listDue: async (client, { userId }, limit) =>
    (await selectToLimit(client, userId, limit)).map(({ externalId, reason }) => ({ externalId, reason })),
  async withWork(context, options, use) {
    const setup = await prepareDrain(context, options);
    const recheck = { afterSeconds: options.recheckAfter };
    return use({
      runBatch: async (client, { runId, size, userId }) => ({
        done: await enforceBatch(client, { batchSize: size, userId, jobRun: runId }),
        counts: {},
      }),
      settle: (client, run) =>
        settleLimits(context, { client, setup, run, desired: 'limited', recheck }, options),
    });
  },
  report: ({ runId, asOf, due, done, counts, durationMs }) => ({
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
  }),
});
