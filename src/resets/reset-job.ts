import type { Job } from '../jobs/job.ts';
import { countDueResets, type ResetAnchor, resetBatch, selectDueResets } from './due-store.ts';

/** A job that resets the subscriptions whose periods, anchored so, are over. */
export const resetJob = (name: string, summary: string, anchor: ResetAnchor): Job => ({
  name,
  summary,
  unit: 'subscriptions',
  batchSizeDefault: 5_000,
  countDue: (client, scope) => countDueResets(client, anchor, scope),
  listDue: (client, scope, limit) => selectDueResets(client, anchor, scope, limit),
  runBatch: (client, request) => resetBatch(client, anchor, request),
});
