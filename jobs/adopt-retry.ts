import { countDead, retryDead, selectDead } from '../src/adopt/backfill-store.ts';
import { defineJob } from './define-job.ts';

/** `{runId, asOf, due, done, left, taken, durationMs}`, in rows. */
export const adoptRetry = defineJob({
  name: 'adopt-retry',
  summary: 'take up rows of adopted products that could not be counted when the app wrote them',
  schedule: '*/5 * * * *',
  unit: 'rows',
  scope: { everybody: 'a row that could not be read has no user yet' },
  batchSizeDefault: 200,
  options: {},
  countDue: (client) => countDead(client, { isDue: true }),
  listDue: async (client, _scope, limit) => selectDead(client, null, limit),
  withWork: (_context, _options, use) =>
    use({
      async runBatch(client, { size }) {
        const { tried, taken } = await retryDead(client, size, null);
        return { done: tried, counts: { taken } };
      },
    }),
});
