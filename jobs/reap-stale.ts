import { value } from '../src/declarations/option.ts';
import { countStale, noteSettledGrants, reapBatch, selectStale } from '../src/upkeep/reap-store.ts';
import { parseDurationSeconds } from '../src/values/option-values.ts';
import { defineJob } from './define-job.ts';

const secondsPerDay = 86_400;

/** What had given all that it could when it ended has nothing to be taken out, and is noted in steps of as many. */
const notedAtOnce = 500;

const idleOf = ({ idle = secondsPerDay }: { idle?: number }) => ({ idleSeconds: idle });

/** `{runId, asOf, due, done, left, sessions, calls, grants, runs, durationMs}` */
export const reapStale = defineJob({
  name: 'reap-stale',
  summary: 'end sessions and calls that nobody ended, take out expired grants, mark runs that died',
  schedule: '*/10 * * * *',
  unit: 'stale entries',
  scope: 'user',
  batchSizeDefault: 500,
  options: {
    idle: value('time', 'a call without a lease is stuck after so long (default: 1d)', parseDurationSeconds),
  },
  isDearToCount: true,
  countDue: (client, scope, options) => countStale(client, scope, idleOf(options)),
  listDue: (client, scope, limit, options) => selectStale(client, scope, idleOf(options), limit),
  withWork: (_context, options, use) =>
    use({
      withoutTransaction: true, // Each kind takes its locks in the order of the core: never two kinds at once.
      runBatch: (client, request) => reapBatch(client, request, idleOf(options)),
      settle: async (client, { signal, userIds }) => {
        while (!signal.aborted && (await noteSettledGrants(client, notedAtOnce, userIds?.[0] ?? null)) > 0) {}
        return { counts: {}, left: 0 };
      },
    }),
});
