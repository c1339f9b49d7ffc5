import { countDueAlerts, selectDueAlerts } from '../src/alerts/alert-store.ts';
import type { JobDefinition } from '../src/jobs/job.ts';

/** Its batches need a target: the command adds them. */
export const raiseAlerts: JobDefinition = {
  name: 'raise-alerts',
  summary: 'tell alerts to the webhook or the command of the settings, once each',
  unit: 'alerts',
  batchSizeDefault: 20,
  countDue: (client) => countDueAlerts(client),
  listDue: (client, _scope, limit) => selectDueAlerts(client, limit),
};
