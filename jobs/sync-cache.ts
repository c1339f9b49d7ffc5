import { countOutdated, selectOutdated } from '../src/cache/cache-store.ts';
import type { JobDefinition } from '../src/jobs/job.ts';

/** Its batches need a cache: the command adds them. */
export const syncCache: JobDefinition = {
  name: 'sync-cache',
  summary: "take outdated counters out of the app's Redis cache",
  unit: 'counters',
  batchSizeDefault: 1_000,
  countDue: (client) => countOutdated(client),
  listDue: async (client, _scope, limit) => (await selectOutdated(client, limit)).map(({ key }) => ({ key })),
};
