import { claimDays, countDaysToRoll, rollUpDay, selectDaysToRoll } from '../src/analytics/roll-up-store.ts';
import type { Job } from '../src/jobs/job.ts';

export const rollUpAnalytics: Job = {
  name: 'roll-up-analytics',
  summary: 'sum up usage per day, user and plan, for days that are over and days that changed since',
  unit: 'days',
  // Each day is a transaction of its own; a batch waits once for those who still write.
  batchSizeDefault: 10,
  countDue: (client) => countDaysToRoll(client),
  listDue: (client, _scope, limit) => selectDaysToRoll(client, limit),
  runBatch: async (client, { size }) => {
    const days = await claimDays(client, size);
    let rows = 0;
    for (const day of days) {
      rows += await rollUpDay(client, day);
    }
    return { done: days.length, counts: { rows } };
  },
};
