import { jobs } from '../../../jobs/index.ts';
import { defineCommand } from '../../declarations/command.ts';
import { optionalArgument, value } from '../../declarations/option.ts';
import { exitCodes } from '../../errors.ts';
import { type JobRunRow, selectRuns } from '../../jobs/job-run-store.ts';
import { minuteText, relativeText } from '../../text/time-text.ts';
import { parseChoice, parseInteger } from '../../values/option-values.ts';

const runsShownDefault = 20;

/** `quota jobs history`: the runs, the latest first, as `JobRunRow`. */
export const jobsHistory = defineCommand(
  {
    arguments: { job: optionalArgument('only the runs of this job', parseChoice(...Object.keys(jobs))) },
    options: { limit: value('n', 'how many (default: 20)', parseInteger({ max: 10_000 })) },
    examples: [
      ['quota jobs history', 'the latest runs'],
      ['quota jobs history reset-anniversaries --json', 'for scripts: .[0].status'],
    ],
  },
  async (context, options) => {
    const runs = await context.withDatabase(({ client }) =>
      selectRuns(client, { job: options.job ?? null, limit: options.limit ?? runsShownDefault }),
    );
    const isTable = context.output.format === 'table';
    await context.output.write<JobRunRow[]>({
      data: runs,
      rows: runs.map((run) => ({
        ...run,
        ...(isTable && { startedAt: startText(run, context.now()), asOf: minuteText(run.asOf) }),
        counts: countsText(run),
      })),
      columns: ['startedAt', 'job', 'status', 'durationMs', 'asOf', 'counts', 'error', 'actor', 'id'].map(
        (key) => ({ key }),
      ),
    });
    return exitCodes.ok;
  },
);

const startText = ({ startedAt }: JobRunRow, now: Date) =>
  `${minuteText(startedAt)} (${relativeText(startedAt, now)})`;

const countsText = ({ counts }: JobRunRow) =>
  Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
