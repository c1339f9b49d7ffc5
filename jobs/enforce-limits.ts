import { countToLimit, enforceBatch, selectToLimit } from '../src/enforcement/enforce-store.ts';
import type { Job } from '../src/jobs/job.ts';

export const enforceLimits: Job = {
  name: 'enforce-limits',
  summary: 'limit whoever is over the allowance and is not limited, and put lost limits on again',
  unit: 'users',
  batchSizeDefault: 500,
  countDue: (client, { userId }) => countToLimit(client, userId),
  listDue: async (client, { userId }, limit) =>
    (await selectToLimit(client, userId, limit)).map(({ externalId, reason }) => ({ externalId, reason })),
  runBatch: async (client, { runId, size, userId }) => ({
    done: await enforceBatch(client, { batchSize: size, userId, jobRun: runId }),
    counts: {},
  }),
};
