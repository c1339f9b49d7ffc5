import { countDueAlerts, countFailedAlerts, selectDueAlerts } from '../src/alerts/alert-store.ts';
import { raiseOperatorAlerts, selectOperatorAlertsDue } from '../src/alerts/operator-alert-store.ts';
import { flag, value } from '../src/declarations/option.ts';
import { parseDurationSeconds } from '../src/values/option-values.ts';
import { defineJob } from './define-job.ts';

const maxAgeSecondsDefault = 7 * 86_400;

/**
 * `{runId, asOf, due, done, left, delivered, failedAttempts, expired, withdrawn, durationMs}`. Exit 75 as long as an alert waits
 * for another attempt.
 */
export const raiseAlerts = defineJob({
  name: 'raise-alerts',
  summary:
    'tell alerts to QUOTA_ALERT_URL or QUOTA_ALERT_COMMAND, once each; look whether a day goes beyond its limits',
  schedule: '*/5 * * * *',
  isSetUp: ({ alertUrl, alertCommand }) => alertUrl !== undefined || alertCommand !== undefined,
  unit: 'alerts',
  scope: { everybody: 'alerts are told as they come' },
  batchSizeDefault: 20,
  options: {
    follow: flag('stay, and tell each alert as it is raised, until SIGTERM'),
    maxAge: value('time', 'drop alerts crossed longer ago (default: 7d)', parseDurationSeconds),
  },
  examples: [['quota jobs raise-alerts --follow', 'as a service: alerts are told within a second']],
  follow: {
    channel: 'quota_alerts',
    isWanted: ({ follow = false }) => follow,
    // Summing up the day costs what the day has.
    nowAndThen: { everyMs: 300_000, look: raiseOperatorAlerts },
  },
  countDue: async (client, _scope, { follow }) =>
    (await countDueAlerts(client)) + (follow ? 0 : (await selectOperatorAlertsDue(client)).length),
  listDue: async (client, _scope, limit) => [
    ...(await selectOperatorAlertsDue(client)).map((alert) => ({ ...alert })),
    ...(await selectDueAlerts(client, limit)),
  ],
  async withWork(context, { maxAge = maxAgeSecondsDefault, follow = false }, use) {
    const { openAlertTarget } = await import('../src/alerts/open-alert-target.ts');
    const { deliverAlerts } = await import('../src/alerts/deliver-alerts.ts');
    const target = await openAlertTarget(context);
    let hasLooked = follow;
    return use({
      withoutTransaction: true,
      runBatch: async (client, { size, signal }) => {
        if (!hasLooked) {
          await raiseOperatorAlerts(client);
          hasLooked = true;
        }
        return deliverAlerts(client, { target, maxAgeSeconds: maxAge, redact: context.redact, signal }, size);
      },
      settle: async (client) => ({ counts: {}, left: await countFailedAlerts(client) }),
      unsettledText: 'alerts wait for another attempt',
    });
  },
  report: ({ runId, asOf, due, done, left, unsettled, counts, durationMs }) => {
    return { runId, asOf, due, done, left: left + unsettled, ...noCounts, ...counts, durationMs };
  },
});

const noCounts = { delivered: 0, failedAttempts: 0, expired: 0, withdrawn: 0 };
