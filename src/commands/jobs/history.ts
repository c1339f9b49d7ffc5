import { jobs } from '../../../jobs/index.ts';
import type { Column } from '../../context.ts';
import { defineCommand } from '../../declarations/command.ts';
import { optionalArgument, value } from '../../declarations/option.ts';
import { exitCodes } from '../../errors.ts';
import { type JobRunRow, selectRuns } from '../../jobs/job-run-store.ts';
import { nearText } from '../../text/time-text.ts';
import { wordsOfName } from '../../values/counted.ts';
import { minuteText } from '../../values/instant.ts';
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
        ...(isTable && tableCells(run, context.now())),
        counts: isTable ? countsText(run) : countsOf(run),
      })),
      columns: isTable ? tableColumns : allColumns,
    });
    return exitCodes.ok;
  },
);

const allColumns: Column[] = [
  ...['startedAt', 'job', 'status', 'durationMs', 'asOf', 'counts', 'error', 'actor', 'id'],
].map((key) => ({ key }));

const tableColumns: Column[] = [
  { key: 'startedAt', title: 'started', isWhole: true },
  { key: 'job' },
  { key: 'status' },
  { key: 'durationMs', title: 'took', align: 'right' },
  { key: 'counts' },
  { key: 'error' },
  { key: 'asOf', title: 'as of', isExtra: true },
  { key: 'actor', isExtra: true },
  { key: 'id', isExtra: true },
];

/** `as of` is told where it is not the time of the run. */
const tableCells = ({ startedAt, durationMs, asOf }: JobRunRow, now: Date) => ({
  startedAt: nearText(startedAt, now),
  durationMs: durationMs === null ? 'not ended' : `${(durationMs / 1000).toFixed(1)} s`,
  asOf: minuteText(asOf) === minuteText(startedAt) ? null : minuteText(asOf),
});

const countsOf = ({ counts }: JobRunRow) =>
  Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');

/** What was due and done, and of the rest what there was. */
const countsText = ({ counts }: JobRunRow) =>
  Object.entries(counts)
    .filter(([name, count]) => count !== 0 || name === 'due')
    .map(([name, count]) => `${wordsOfName(name)} ${count}`)
    .join(', ');
