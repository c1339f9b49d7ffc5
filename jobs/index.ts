import type { JobDefinition } from './define-job.ts';

/** Every job by its name, in the order in which lists name them. A job is loaded when it is named. */
export const jobs: Readonly<Record<string, () => Promise<JobDefinition>>> = {
  'reset-anniversaries': async () => (await import('./reset-anniversaries.ts')).resetAnniversaries,
  'reset-months': async () => (await import('./reset-months.ts')).resetMonths,
  'enforce-limits': async () => (await import('./enforce-limits.ts')).enforceLimits,
  'sync-limits': async () => (await import('./sync-limits.ts')).syncLimits,
  'sync-cache': async () => (await import('./sync-cache.ts')).syncCache,
  'raise-alerts': async () => (await import('./raise-alerts.ts')).raiseAlerts,
  'reap-stale': async () => (await import('./reap-stale.ts')).reapStale,
  'roll-up-analytics': async () => (await import('./roll-up-analytics.ts')).rollUpAnalytics,
  'adopt-follow': async () => (await import('./adopt-follow.ts')).adoptFollow,
  'adopt-retry': async () => (await import('./adopt-retry.ts')).adoptRetry,
  purge: async () => (await import('./purge.ts')).purge,
};

/** All of them, loaded. */
export const loadJobs = (): Promise<JobDefinition[]> =>
  Promise.all(Object.values(jobs).map((load) => load()));
