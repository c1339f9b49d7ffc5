import { raiseOperatorAlerts } from '../src/alerts/operator-alert-store.ts';
import { raisePaceAlerts } from '../src/alerts/pace-store.ts';
import {
  addUpMissing,
  claimDays,
  countDaysToRoll,
  rollUpDay,
  selectDaysToRoll,
} from '../src/analytics/roll-up-store.ts';
import { defineJob } from './define-job.ts';

/** `{runId, asOf, due, done, left, rows, paceAlerts, operatorAlerts, durationMs}`, in days. */
export const rollUpAnalytics = defineJob({
  name: 'roll-up-analytics',
  summary:
    'sum up usage per day, user and plan, for days that are over and days that changed since; warn of who runs out early, and of days beyond their limits',
  schedule: '30 1 * * *',
  unit: 'days',
  scope: { everybody: 'a day is rolled up for all users at once' },
  // Each day is a transaction of its own; a batch waits once for those who still write.
  batchSizeDefault: 10,
  options: {},
  countDue: (client) => countDaysToRoll(client),
  listDue: (client, _scope, limit) => selectDaysToRoll(client, limit),
  withWork: (_context, _options, use) =>
    use({
      runBatch: async (client, { size }) => {
        const days = await claimDays(client, size);
        let rows = 0;
        for (const day of days) {
          rows += await rollUpDay(client, day);
        }
        return { done: days.length, counts: { rows } };
      },
      settle: async (client) => {
        await addUpMissing(client);
        return {
          counts: {
            paceAlerts: await raisePaceAlerts(client),
            operatorAlerts: await raiseOperatorAlerts(client),
          },
          left: 0,
        };
      },
    }),
});
