import type { Job } from '../src/jobs/job.ts';
import { countStale, type ReapOptions, reapBatch, selectStale } from '../src/upkeep/upkeep-store.ts';

const secondsPerDay = 86_400;

/** @param options default: calls without a lease are stuck after a day */
export const reapStaleWith = (options: ReapOptions): Job => ({
  name: 'reap-stale',
  summary: 'end sessions and calls that nobody ended, take out expired grants, mark runs that died',
  unit: 'stale entries',
  batchSizeDefault: 500,
  countDue: (client, scope) => countStale(client, scope, options),
  listDue: (client, scope, limit) => selectStale(client, scope, options, limit),
  withoutTransaction: true, // Each kind takes its locks in the order of the core: never two kinds at once.
  runBatch: (client, request) => reapBatch(client, request, options),
});

export const reapStale = reapStaleWith({ idleSeconds: secondsPerDay });
