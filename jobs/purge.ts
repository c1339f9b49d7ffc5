import type { Job } from '../src/jobs/job.ts';
import {
  countPurgeable,
  purgeBatch,
  type RetentionDays,
  retentionDaysDefault,
  selectPurgeable,
} from '../src/upkeep/purge-store.ts';

export const purgeWith = (retention: RetentionDays): Job => ({
  name: 'purge',
  summary: 'drop what nobody needs any more: old runs, told alerts, details of calls of closed months',
  unit: 'rows',
  batchSizeDefault: 5_000,
  countDue: (client) => countPurgeable(client, retention),
  listDue: (client) => selectPurgeable(client, retention),
  runBatch: (client, request) => purgeBatch(client, request, retention),
});

export const purge = purgeWith(retentionDaysDefault);
