import type { JobDefinition } from '../src/jobs/job.ts';
import { enforceLimits } from './enforce-limits.ts';
import { purge } from './purge.ts';
import { raiseAlerts } from './raise-alerts.ts';
import { reapStale } from './reap-stale.ts';
import { resetAnniversaries } from './reset-anniversaries.ts';
import { resetMonths } from './reset-months.ts';
import { rollUpAnalytics } from './roll-up-analytics.ts';
import { syncCache } from './sync-cache.ts';
import { syncLimits } from './sync-limits.ts';

/** Every job, in the order in which lists name them. */
export const jobs: readonly JobDefinition[] = [
  resetAnniversaries,
  resetMonths,
  enforceLimits,
  syncLimits,
  syncCache,
  raiseAlerts,
  reapStale,
  rollUpAnalytics,
  purge,
];
