import { prepareCache, refreshCache } from '../src/changes/outdated-cache.ts';
import { prepareDrain } from '../src/changes/provider-work.ts';
import { settleLimits } from '../src/changes/settle-limits.ts';
import { drainOptions } from '../src/declarations/provider-options.ts';
import {
  countDueResets,
  type ResetAnchor,
  resetBatch,
  selectDueResets,
} from '../src/resets/due-resets-store.ts';
import { defineJob } from './define-job.ts';

/**
 * A job that resets the subscriptions whose periods, anchored so, are over:
 * `{runId, asOf, due, reset, periodsCaughtUp, assistants: {queued, restored, failed}, durationMs}`
 */
export const resetJob = (name: string, summary: string, anchor: ResetAnchor) =>
  defineJob({
    name,
    summary,
    unit: 'subscriptions',
    scope: 'user',
    batchSizeDefault: 5_000,
    options: drainOptions,
    countDue: (client, scope) => countDueResets(client, anchor, scope),
    listDue: (client, scope, limit) => selectDueResets(client, anchor, scope, limit),
    async withWork(context, options, use) {
      const setup = await prepareDrain(context, options);
      return use({
        runBatch: async (client, request) => {
          await prepareCache(context, client);
          return resetBatch(client, anchor, request);
        },
        settle: async (client, run) => {
          await refreshCache(context, client);
          return settleLimits(context, { client, setup, run, desired: 'original' }, options);
        },
      });
    },
    report: ({ runId, asOf, due, done, counts, durationMs }) => ({
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
    }),
  });
