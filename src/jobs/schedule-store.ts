import type pg from 'pg';
import type { JobRunStatus } from './job-run-store.ts';

/** The runs of a job that tell whether somebody runs it. */
export interface LastRuns {
  job: string;
  last: { status: JobRunStatus; startedAt: string; durationMs: number | null; error: string | null } | null;
  /** When the last run began that did something or found nothing to do, ISO 8601 UTC; null: none did. */
  ranAt: string | null;
}

interface Row {
  job: string;
  status: JobRunStatus | null;
  started_at: Date | null;
  ms: number | null;
  error: string | null;
  ran_at: Date | null;
}

/** In the order of the names. In one look at the runs: for a job that has none, each that there is would be passed over. */
export async function selectLastRuns(client: pg.ClientBase, jobs: readonly string[]): Promise<LastRuns[]> {
  const { rows } = await client.query<Row>(
    `with ran as (
       select r.job, max(r.started_at) as last_at,
         max(r.started_at) filter (where r.status in ('completed', 'incomplete', 'running')) as ran_at
       from quota.job_runs r group by r.job
     )
     select j.job, l.status, l.started_at, l.error, a.ran_at,
       round(extract(epoch from l.finished_at - l.started_at) * 1000)::integer as ms
     from unnest($1::text[]) with ordinality j(job, place)
     left join ran a on a.job = j.job
     left join lateral (
       select r.* from quota.job_runs r where r.job = a.job and r.started_at = a.last_at order by r.id limit 1) l on true
     order by j.place`,
    [jobs],
  );
  return rows.map(({ job, status, started_at, ms, error, ran_at }) => ({
    job,
    last:
      status === null || started_at === null
        ? null
        : { status, startedAt: started_at.toISOString(), durationMs: ms, error },
    ranAt: ran_at?.toISOString() ?? null,
  }));
}

/** The times by which schedules are judged: runs are dated by the real clock, and so is what is expected of them. */
export interface Watch {
  now: Date;
  /** Since when there are tables. */
  installedAt: Date;
  /** When any job ran for the first time, as far back as runs are kept; null: none did. */
  firstRunAt: Date | null;
}

export async function selectWatch(client: pg.ClientBase): Promise<Watch> {
  const { rows } = await client.query<Watch>(
    `select clock_timestamp() as now,
       (select min(m.migration_time) from quota.schema_migrations m) as "installedAt",
       (select min(r.started_at) from quota.job_runs r) as "firstRunAt"`,
  );
  return rows[0] as Watch;
}
