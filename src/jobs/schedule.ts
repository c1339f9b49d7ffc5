import { configurationError } from '../errors.ts';

/** In place of a schedule: nobody is to run the job. */
export const off = 'off';

/** What a job says of when it runs, and what the settings say of that. */
export interface Scheduled {
  name: string;
  /** As in a crontab, in UTC. */
  schedule: string;
}

/**
 * The schedule of each job by name: its own, or that of the settings.
 * @throws configurationError when the settings name a job that there is not, or no schedule
 */
export async function schedulesOf(
  jobs: readonly Scheduled[],
  settings: Readonly<Record<string, string>>,
): Promise<ReadonlyMap<string, string>> {
  const stranger = Object.keys(settings).find((name) => jobs.every((job) => job.name !== name));
  if (stranger !== undefined) {
    throw configurationError(`QUOTA_SCHEDULES names "${stranger}", which is no job`, {
      suggestion: `jobs are ${jobs.map(({ name }) => name).join(', ')}`,
    });
  }
  for (const [name, schedule] of Object.entries(settings)) {
    if (schedule !== off) {
      await parseSchedule(schedule, name);
    }
  }
  return new Map(jobs.map(({ name, schedule }) => [name, settings[name] ?? schedule]));
}

async function parseSchedule(schedule: string, job: string) {
  const { Cron } = await import('croner');
  try {
    return new Cron(schedule, { timezone: 'UTC', mode: '5-part', paused: true });
  } catch (error) {
    throw configurationError(`QUOTA_SCHEDULES: "${schedule}" is no schedule for ${job}`, {
      detail: (error as Error).message,
      suggestion:
        'minute, hour, day of the month, month, day of the week, as in a crontab: 5 * * * *; or off',
    });
  }
}

/** When a job is to run next, and since when it should have. */
export interface Expectation {
  /** ISO 8601 UTC; null: never again. */
  nextAt: string | null;
  /** Two times have passed without a run: the first of them, ISO 8601 UTC. Null: it is not overdue. */
  overdueSince: string | null;
}

/**
 * What is expected of a job that ran last at `ranAt`, or that nobody has run since `ranAt`. One time that passes may be
 * a machine that was busy, or a run that another one kept from starting; two are not.
 * @throws configurationError when the schedule is none
 */
export async function expectationOf(
  { name, schedule }: Scheduled,
  ranAt: Date,
  now: Date,
): Promise<Expectation> {
  const cron = await parseSchedule(schedule, name);
  const [first, second] = cron.nextRuns(2, ranAt);
  return {
    nextAt: cron.nextRun(now)?.toISOString() ?? null,
    overdueSince: second !== undefined && second < now ? (first?.toISOString() ?? null) : null,
  };
}
