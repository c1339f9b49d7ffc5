import { jobs } from '../../../jobs/index.ts';
import type { CommandEntry, Group } from '../../declarations/command.ts';

/** One command per job, which follows from the job's own file. */
const jobEntries = (prefix: string): Record<string, CommandEntry> =>
  Object.fromEntries(
    Object.entries(jobs).map(([name, load]) => [
      name,
      {
        summary: async () => (await load()).summary,
        // Also for those that speak to the provider: its rate is that of all of them together.
        onShards: 'inTurn',
        load: async () => {
          const [{ jobCommand }, job] = await Promise.all([import('./job-command.ts'), load()]);
          return jobCommand(`${prefix} ${name}`, job);
        },
      },
    ]),
  );

const runCommands: Group = {
  commands: jobEntries('quota jobs run'),
  examples: [['quota jobs run reset-months', 'the same as quota jobs reset-months']],
};

export const jobsCommands: Group = {
  commands: {
    list: {
      summary: 'every job, what is due for it now, and how its last run went',
      load: async () => (await import('./list.ts')).jobsList,
      onShards: 'each',
    },
    history: {
      summary: 'the runs of jobs, the latest first',
      load: async () => (await import('./history.ts')).jobsHistory,
      onShards: 'each',
    },
    reopen: {
      summary: 'take back what resets closed that are dated after an instant: a clock was ahead',
      load: async () => (await import('./reopen.ts')).jobsReopen,
      onShards: 'each',
    },
    run: { summary: 'run a job by its name', loadGroup: async () => runCommands },
    ...jobEntries('quota jobs'),
  },
  examples: [
    ['quota jobs list', 'is cron doing its work?'],
    ['quota jobs reset-anniversaries --dry-run', 'what is due'],
  ],
};
