import type pg from 'pg';
import type { Settings } from '../context.ts';
import { expectationOf, off, type Scheduled, schedulesOf } from './schedule.ts';
import { type LastRuns, selectLastRuns, selectWatch, type Watch } from './schedule-store.ts';

/** How a job stands to its schedule. */
export interface Standing extends LastRuns {
  /** As in a crontab, in UTC; null: it is switched off. */
  schedule: string | null;
  /** ISO 8601 UTC; null: switched off, or never again. */
  nextAt: string | null;
  /** ISO 8601 UTC; null: it is not. */
  overdueSince: string | null;
}

interface Expected extends Scheduled {
  isSetUp?(settings: Settings): boolean;
}

/**
 * Whether each job is run when it should be, by the real clock, which is `now`. One that has never run is expected
 * where others have, or in production; one that lacks settings here, not even then.
 * @throws configurationError for schedules in the settings that are none
 */
export async function standingsOf(
  client: pg.ClientBase,
  jobs: readonly Expected[],
  settings: Settings,
): Promise<{ now: Date; standings: Standing[] }> {
  const schedules = await schedulesOf(jobs, settings.schedules);
  const runs = await selectLastRuns(
    client,
    jobs.map(({ name }) => name),
  );
  const watch = await selectWatch(client);
  const standings = await Promise.all(
    jobs.map(async (job, index): Promise<Standing> => {
      const schedule = schedules.get(job.name) ?? job.schedule;
      const run = runs[index] ?? { job: job.name, last: null, ranAt: null };
      const isSetUp = run.last !== null || job.isSetUp?.(settings) !== false;
      const since = run.ranAt === null ? expectedSince(watch, settings) : new Date(run.ranAt);
      if (schedule === off || !isSetUp || since === null) {
        return { ...run, schedule: schedule === off ? null : schedule, nextAt: null, overdueSince: null };
      }
      return { ...run, schedule, ...(await expectationOf({ name: job.name, schedule }, since, watch.now)) };
    }),
  );
  return { now: watch.now, standings };
}

const expectedSince = ({ installedAt, firstRunAt }: Watch, { environment }: Settings): Date | null =>
  environment === 'production' ? installedAt : firstRunAt;
