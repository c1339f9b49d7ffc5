import { jobs } from '../../../jobs/index.ts';
import { defineCommand } from '../../declarations/command.ts';
import { exitCodes } from '../../errors.ts';
import { selectRuns } from '../../jobs/job-run-store.ts';
import { relativeText } from '../../text/time-text.ts';

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
    const isTable = context.output.format === 'table';
    const told = (startedAt: string) => (isTable ? relativeText(startedAt, context.now()) : startedAt);
    await context.output.write({
      data,
      rows: data.map(({ lastRun, ...job }) => ({
        ...job,
        lastStatus: lastRun?.status ?? 'never ran',
        lastStartedAt: lastRun === null ? null : told(lastRun.startedAt),
      })),
      columns: [
        { key: 'name' },
        { key: 'due' },
        { key: 'lastStatus', title: 'last run' },
        { key: 'lastStartedAt', title: 'started' },
        { key: 'summary' },
      ],
    });
    return exitCodes.ok;
  },
);
