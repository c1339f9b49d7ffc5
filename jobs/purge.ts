import { makeMonths, takeBackPartition } from '../src/db/partition/call-table-store.ts';
import { repeated } from '../src/declarations/option.ts';
import {
  countPurgeable,
  type PurgedTable,
  purgeBatch,
  type RetentionDays,
  retentionDaysDefault,
  selectPurgeable,
} from '../src/upkeep/purge-store.ts';
import { counted } from '../src/values/counted.ts';
import { parseRetention } from '../src/values/option-values.ts';
import { defineJob } from './define-job.ts';

interface Kept {
  keep?: { table: PurgedTable; days: number }[];
}

const retentionOf = ({ keep = [] }: Kept): RetentionDays => ({
  ...retentionDaysDefault,
  ...Object.fromEntries(keep.map(({ table, days }) => [table, days])),
});

/**
 * `{runId, asOf, due, done, left, job_runs, usage_alerts, call_details, service_details, months, durationMs}`, in rows;
 * `months`: partitions of the calls that were made ahead.
 */
export const purge = defineJob({
  name: 'purge',
  summary:
    'drop what nobody needs any more: old runs, told alerts, details of calls of closed months, or as their service says; where calls are partitioned, make months ahead',
  schedule: '0 3 * * 0',
  unit: 'rows',
  scope: { everybody: 'retention is the same for everybody; quota user erase takes one person out' },
  batchSizeDefault: 5_000,
  options: {
    keep: repeated(
      'table=days',
      'job_runs (default: 90 days), usage_alerts (400) or call_details (400); can be repeated',
      parseRetention('job_runs', 'usage_alerts', 'call_details'),
    ),
  },
  danger: ({ keep = [] }) =>
    keep
      .filter(({ table, days }) => days < retentionDaysDefault[table])
      .map(({ table, days }) => `with only ${counted(days, 'day')} of ${table} kept`),
  countDue: (client, _scope, options) => countPurgeable(client, retentionOf(options)),
  listDue: (client, _scope, _limit, options) => selectPurgeable(client, retentionOf(options)),
  withWork: (_context, options, use) =>
    use({
      runBatch: (client, request) => purgeBatch(client, request, retentionOf(options)),
      settle: async (client) => {
        await takeBackPartition(client);
        return { counts: { months: await makeMonths(client) }, left: 0 };
      },
    }),
});
