import { type Command, Option } from 'commander';
import type { JobOptions } from '../../commands/jobs/run-job-command.ts';
import type { Handler } from '../../context.ts';
import {
  parseChoice,
  parseDurationSeconds,
  parseInteger,
  parseRetention,
} from '../../values/option-values.ts';
import { examples } from '../examples.ts';
import { repeatedOption, valueOption } from '../global-options.ts';
import type { Run } from '../run-command.ts';
import { addDrainOptions, addProviderOptions } from './limits.ts';

interface JobCommand {
  summary: string;
  load: () => Promise<Handler<JobOptions>>;
  /** Adds what only some jobs have. */
  addOptions?: (command: Command) => Command;
}

/** Every job is a command of its own and a NAME of `jobs run`. */
const jobCommands: Record<string, JobCommand> = {
  'reset-anniversaries': {
    summary: 'begin a new period for everybody whose signup anniversary has come',
    load: async () => (await import('../../commands/jobs/resets.ts')).jobsResetAnniversaries,
    addOptions: addDrainOptions,
  },
  'reset-months': {
    summary: 'begin a new period on plans of the calendar month',
    load: async () => (await import('../../commands/jobs/resets.ts')).jobsResetMonths,
    addOptions: addDrainOptions,
  },
  'enforce-limits': {
    summary: 'limit whoever is over the allowance and is not limited, and put lost limits on again',
    load: async () => (await import('../../commands/jobs/limits.ts')).jobsEnforceLimits,
    addOptions: addEnforceOptions,
  },
  'sync-limits': {
    summary: 'limit and restore assistants at VAPI: what is queued, and what failed and is due again',
    load: async () => (await import('../../commands/jobs/limits.ts')).jobsSyncLimits,
    addOptions: addProviderOptions,
  },
  'sync-cache': {
    summary: "take outdated counters out of the app's Redis cache (REDIS_URL)",
    load: async () => (await import('../../commands/jobs/cache.ts')).jobsSyncCache,
  },
  'raise-alerts': {
    summary: 'tell alerts to QUOTA_ALERT_URL or QUOTA_ALERT_COMMAND, once each',
    load: async () => (await import('../../commands/jobs/alerts.ts')).jobsRaiseAlerts,
    addOptions: addAlertOptions,
  },
  'reap-stale': {
    summary: 'end sessions and calls that nobody ended, take out expired grants, mark runs that died',
    load: async () => (await import('../../commands/jobs/upkeep.ts')).jobsReapStale,
    addOptions: addReapOptions,
  },
  'roll-up-analytics': {
    summary: 'sum up usage per day, user and plan',
    load: async () => (await import('../../commands/jobs/upkeep.ts')).jobsRollUpAnalytics,
  },
  purge: {
    summary: 'drop old runs, told alerts and details of calls of closed months; facts stay',
    load: async () => (await import('../../commands/jobs/upkeep.ts')).jobsPurge,
    addOptions: addPurgeOptions,
  },
};

const names = Object.keys(jobCommands);

export function addJobsCommands(program: Command, run: Run): void {
  const jobs = program
    .command('jobs')
    .description('cron jobs: exact when run twice or at once, catching up what was missed');

  jobs
    .command('list')
    .description('every job, what is due for it now, and how its last run went')
    .addHelpText('after', examples(['quota jobs list', 'is cron doing its work?']))
    .action(run(async () => (await import('../../commands/jobs/list.ts')).jobsList));

  jobs
    .command('history')
    .argument('[name]', 'only the runs of this job')
    .description('the runs of jobs, the latest first')
    .addOption(valueOption('--limit <n>', 'how many (default: 20)', parseInteger({ max: 10_000 })))
    .addHelpText(
      'after',
      examples(
        ['quota jobs history', 'the latest runs'],
        ['quota jobs history reset-anniversaries --json', 'for scripts: .[0].status'],
      ),
    )
    .action(run(async () => (await import('../../commands/jobs/history.ts')).jobsHistory));

  addJobOptions(addEnforceOptions(jobs.command('run')))
    .argument('<name>', names.join(', '), parseChoice(...names))
    .description('run a job by its name')
    .addHelpText('after', examples(['quota jobs run reset-months', 'the same as quota jobs reset-months']))
    .action((name: string, ...rest: unknown[]) => runNamed(run, name)(name, ...rest));

  for (const [name, { summary, load, addOptions = unchanged }] of Object.entries(jobCommands)) {
    addJobOptions(addOptions(jobs.command(name)))
      .description(summary)
      .addHelpText(
        'after',
        examples(
          [`quota jobs ${name}`, 'from cron, as often as you like'],
          [`quota jobs ${name} --dry-run`, 'what is due'],
          [`quota jobs ${name} --max-duration 50m --quiet`, 'stop before the next run begins'],
        ),
      )
      .action(run(load));
  }
}

function runNamed(run: Run, name: string) {
  const job = jobCommands[name];
  if (job === undefined) {
    throw new Error(`no job ${name}`); // The argument's parser has let it through.
  }
  return run(job.load);
}

const unchanged = (command: Command) => command;

function addEnforceOptions(command: Command): Command {
  return addDrainOptions(command).addOption(
    valueOption(
      '--recheck-after <time>',
      'look only at limited assistants that nobody looked at for so long (default: all)',
      parseDurationSeconds,
    ),
  );
}

const addJobOptions = (command: Command): Command =>
  command
    .option('--dry-run', 'show what is due, change nothing')
    .option('--user <user>', 'only this user: id, external id or email')
    .addOption(valueOption('--limit <n>', 'at most so many in this run', parseInteger()))
    .addOption(valueOption('--batch-size <n>', 'so many in one transaction', parseInteger({ max: 100_000 })))
    .addOption(
      valueOption('--max-duration <time>', 'stop after the batch in which this passes', parseDurationSeconds),
    )
    .addOption(
      new Option('--metrics-file <path>', "write the run's figures for Prometheus' textfile collector"),
    );

function addAlertOptions(command: Command): Command {
  return command.addOption(
    valueOption('--max-age <time>', 'drop alerts crossed longer ago (default: 7d)', parseDurationSeconds),
  );
}

function addReapOptions(command: Command): Command {
  return command.addOption(
    valueOption(
      '--idle <time>',
      'a call without a lease is stuck after so long (default: 1d)',
      parseDurationSeconds,
    ),
  );
}

function addPurgeOptions(command: Command): Command {
  return command.addOption(
    repeatedOption(
      '--keep <table=days>',
      'job_runs (default: 90 days), usage_alerts (400) or call_details (400); can be repeated',
      parseRetention('job_runs', 'usage_alerts', 'call_details'),
    ),
  );
}
