import { jobs } from '../../../jobs/index.ts';
import { defineCommand } from '../../declarations/command.ts';
import { exitCodes } from '../../errors.ts';
import { selectRuns } from '../../jobs/job-run-store.ts';

/** `quota jobs list`: `[{name, summary, due, lastRun: {status, startedAt, durationMs, error} | null}]`. */
export const jobsList = defineCommand(
  {
    examples: [['quota jobs list', 'is cron doing its work?']],
  },
  async (context) => {
    const data = await context.withDatabase(async ({ client }) => {
      const list = [];
      for (const load of Object.values(jobs)) {
        const job = await load();
        const [run] = await selectRuns(client, { job: job.name, limit: 1 });
        const lastRun = run && {
          status: run.status,
          startedAt: run.startedAt,
          durationMs: run.durationMs,
          error: run.error,
        };
        const due = await job.countDue(client, { userId: null }, {});
        list.push({ name: job.name, summary: job.summary, due, lastRun: lastRun ?? null });
      }
      return list;
    });
    await context.output.write({
      data,
      rows: data.map(({ lastRun, ...job }) => ({
        ...job,
        lastStatus: lastRun?.status ?? 'never ran',
        lastStartedAt: lastRun?.startedAt ?? null,
      })),
      columns: ['name', 'due', 'lastStatus', 'lastStartedAt', 'summary'].map((key) => ({ key })),
    });
    return exitCodes.ok;
  },
);
