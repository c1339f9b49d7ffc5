import type { Context } from '../../context.ts';
import { type ExitCode, exitCodes } from '../../errors.ts';
import { type JobRunRow, selectRuns } from '../../jobs/job-run-store.ts';

export interface JobsHistoryOptions {
  /** Only this job. */
  name?: string;
  limit?: number;
}

const runsShownDefault = 20;

/** `quota jobs history`: the runs, the latest first, as `JobRunRow`. */
export async function jobsHistory(context: Context, options: JobsHistoryOptions): Promise<ExitCode> {
  const runs = await context.withDatabase(({ client }) =>
    selectRuns(client, { job: options.name ?? null, limit: options.limit ?? runsShownDefault }),
  );
  await context.output.write<JobRunRow[]>({
    data: runs,
    rows: runs.map((run) => ({ ...run, counts: countsText(run) })),
    columns: ['startedAt', 'job', 'status', 'durationMs', 'asOf', 'counts', 'error', 'actor', 'id'].map(
      (key) => ({ key }),
    ),
  });
  return exitCodes.ok;
}

const countsText = ({ counts }: JobRunRow) =>
  Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
