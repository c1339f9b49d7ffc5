import { loadJobs } from '../../../jobs/index.ts';
import type { Context } from '../../context.ts';
import { shareOut, withSessions } from '../../db/side-by-side.ts';
import { defineCommand } from '../../declarations/command.ts';
import { flag } from '../../declarations/option.ts';
import { exitCodes } from '../../errors.ts';
import { type Standing, standingsOf } from '../../jobs/standing.ts';
import { relativeText } from '../../text/time-text.ts';

/**
 * `quota jobs list`: `[{name, summary, schedule, due, lastRun: {status, startedAt, durationMs, error} | null, nextAt,
 * overdueSince}]`. Schedules are those of a crontab in UTC, null for what is switched off.
 */
export const jobsList = defineCommand(
  {
    options: { check: flag('exit 3 when a job is overdue: two of its times have passed without a run') },
    examples: [
      ['quota jobs list', 'is cron doing its work?'],
      ['quota jobs list --check --quiet', 'for monitoring'],
    ],
  },
  async (context, options) => {
    const { now, data } = await context.withDatabase((database) =>
      withSessions(database, async (clients) => {
        const definitions = await loadJobs();
        const { now, standings } = await standingsOf(clients[0], definitions, context.settings);
        const dearFirst = definitions.toSorted(
          (a, b) => Number(b.isDearToCount ?? false) - Number(a.isDearToCount ?? false),
        );
        const due = new Map<string, number>();
        await shareOut(
          clients,
          dearFirst.map((job) => async (client) => {
            due.set(job.name, await job.countDue(client, { userId: null }, {}));
          }),
        );
        const data = definitions.map(({ name, summary }, index) => {
          const { schedule, last, nextAt, overdueSince } = standings[index] as Standing;
          return { name, summary, schedule, due: due.get(name) ?? 0, lastRun: last, nextAt, overdueSince };
        });
        return { now, data };
      }),
    );
    await context.output.write({
      data,
      rows: data.map(({ lastRun, ...job }) => ({
        ...job,
        schedule: job.schedule ?? 'off',
        lastStatus: lastRun?.status ?? 'never ran',
        lastStartedAt: told(context, lastRun?.startedAt, now),
        nextAt: told(context, job.nextAt, now),
        overdueSince: told(context, job.overdueSince, now),
      })),
      columns: [
        { key: 'name' },
        { key: 'due' },
        { key: 'lastStatus', title: 'last run' },
        { key: 'lastStartedAt', title: 'started' },
        { key: 'overdueSince', title: 'overdue since' },
        { key: 'nextAt', title: 'next' },
        { key: 'schedule' },
        { key: 'summary' },
      ],
    });
    const overdue = data.filter(({ overdueSince }) => overdueSince !== null);
    for (const { name, schedule } of overdue) {
      context.talk.warn(
        `${name} is overdue (${schedule}): is cron running it? QUOTA_SCHEDULES says when it is expected`,
      );
    }
    return options.check && overdue.length > 0 ? exitCodes.differences : exitCodes.ok;
  },
);

/** An instant as a person reads it in a table; for programs as it is. */
const told = ({ output }: Context, instant: string | null | undefined, now: Date): string | null => {
  if (instant == null) {
    return null;
  }
  return output.format === 'table' ? relativeText(instant, now) : instant;
};
