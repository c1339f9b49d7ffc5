import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { type ExitCode, exitCodes } from '../../errors.ts';
import { shellWord } from '../../shell-word.ts';
import { monthBefore } from '../../values/month.ts';
import { logOneCall } from './demo-store.ts';

/** One step of the story: a command that could be typed, and what to make of its result. */
export interface DemoStep {
  title: string;
  /** As it would be typed. */
  command: string;
  explanation: string;
  /** The instant that the command is given with `--as-of`; null: as the whole demo. */
  asOf: string | null;
  /** The exit code that says that it went well; default: 0. */
  exitCode?: ExitCode;
  run(context: Context): Promise<ExitCode>;
}

export interface DemoTimes {
  /** The instant that the data is made for. */
  seedAsOf: string;
  /** When the anniversary job runs, a month later. */
  nextMonth: string;
  /** What the commands in between have to be given, if anything: the ` --as-of …` of the demo itself. */
  asOfFlag: string;
  /** Whether the last demo left something. */
  isAgain: boolean;
  /** Where files go; made when there are some. */
  folder: string;
}

const user = 'demo-critical';
const reason = 'goodwill after the outage';
/** The simulated VAPI bears more than the five requests a second that the real one is asked. */
const rate = 200;

/** The story, in order. Every step runs the handler of the command that it names. */
export function demoSteps(times: DemoTimes): DemoStep[] {
  return [
    ...setUp(times),
    ...runOut(times),
    ...resetOne(times),
    ...monthLater(times),
    ...reconcileMonth(times),
  ];
}

function setUp({ seedAsOf, isAgain }: DemoTimes): DemoStep[] {
  const tables: DemoStep = isAgain
    ? {
        title: 'Begin anew',
        command: 'quota db reset --yes',
        explanation: 'What the last demo left is dropped, and the tables are made again.',
        asOf: null,
        run: async (context) => (await import('../db/reset.ts')).dbReset.run(context, { yes: true }),
      }
    : {
        title: 'Make the tables',
        command: 'quota db migrate',
        explanation: 'Tables, the period rule, the usage triggers and the built-in plans, all or nothing.',
        asOf: null,
        run: async (context) => (await import('../db/migrate.ts')).dbMigrate.run(context, {}),
      };
  const seed: DemoStep = {
    title: 'Fill them',
    command: `quota fixtures seed --as-of ${seedAsOf}`,
    explanation:
      'Users of every plan in every state. Only calls were loaded: what everybody used, the triggers counted.',
    asOf: seedAsOf,
    run: async (context) => (await import('../fixtures/seed.ts')).fixturesSeed.run(context, {}),
  };
  return [tables, seed];
}

function runOut({ asOfFlag }: DemoTimes): DemoStep[] {
  return [
    {
      title: 'Somebody has nearly used up the voice minutes',
      command: `quota user show ${user}${asOfFlag}`,
      explanation: 'What support asks: how much is left, until when, and whether anything is blocked.',
      asOf: null,
      run: async (context) => (await import('../user/show.ts')).userShow.run(context, { user }),
    },
    {
      title: 'One more call, logged by the app',
      command: `psql "$(quota db url)" -c "${logOneCall}"`,
      explanation:
        'A plain INSERT. In the same transaction the quota was counted, the alerts were raised and the limit was queued.',
      asOf: null,
      run: async (context) => (await import('./insert.ts')).demoInsert(context),
    },
    {
      title: 'Now it has run out',
      command: `quota user show ${user}${asOfFlag}`,
      explanation: 'Exceeded, since when, and what happens to the assistants.',
      asOf: null,
      run: async (context) => (await import('../user/show.ts')).userShow.run(context, { user }),
    },
    {
      title: 'The assistants are limited at the provider',
      command: `quota limits sync --rate ${rate}${asOfFlag}`,
      explanation:
        'VAPI is simulated here. Whatever was queued is done, the originals are kept; those limited before are as they should be.',
      asOf: null,
      run: async (context) => (await import('../limits/sync.ts')).limitsSync.run(context, { rate }),
    },
  ];
}

function resetOne({ asOfFlag }: DemoTimes): DemoStep[] {
  const userReset = async (context: Context, dryRun: boolean) =>
    (await import('../user/reset.ts')).userReset.run(context, { user, reason, yes: true, dryRun });
  return [
    {
      title: 'What would a reset change?',
      command: `quota user reset ${user} --reason "${reason}" --dry-run${asOfFlag}`,
      explanation: 'A dry run shows the plan and changes nothing.',
      asOf: null,
      run: (context) => userReset(context, true),
    },
    {
      title: 'Reset',
      command: `quota user reset ${user} --reason "${reason}" --yes${asOfFlag}`,
      explanation:
        'An adjustment, not an erasure: the calls stay, who and why is in the audit log. The originals are back at VAPI.',
      asOf: null,
      run: (context) => userReset(context, false),
    },
    {
      title: 'Is it true? Asking the provider',
      command: `quota limits status ${user} --check --rate ${rate}${asOfFlag}`,
      explanation: 'The assistants are what they were before, field by field.',
      asOf: null,
      run: async (context) =>
        (await import('../limits/status.ts')).limitsStatus.run(context, { user, check: true, rate }),
    },
  ];
}

function monthLater({ nextMonth }: DemoTimes): DemoStep[] {
  const job = async (context: Context) => {
    const { resetAnniversaries } = await import('../../../jobs/reset-anniversaries.ts');
    const { jobCommand } = await import('../jobs/job-command.ts');
    return jobCommand('quota jobs reset-anniversaries', resetAnniversaries).run(context, { rate });
  };
  return [
    {
      title: 'A month later, cron runs the anniversary job',
      command: `quota jobs reset-anniversaries --rate ${rate} --as-of ${nextMonth}`,
      explanation:
        'Every period that has ended is closed once and the next one opened; whoever was limited has their own assistants back.',
      asOf: nextMonth,
      run: job,
    },
    {
      title: 'And once more, because cron does that',
      command: `quota jobs reset-anniversaries --rate ${rate} --as-of ${nextMonth}`,
      explanation: 'Nothing is done twice.',
      asOf: nextMonth,
      run: job,
    },
    {
      title: 'Another user, who had run out all along',
      command: `quota user show demo-exceeded --as-of ${nextMonth}`,
      explanation: 'All minutes are there again, and the assistants are free.',
      asOf: nextMonth,
      run: async (context) =>
        (await import('../user/show.ts')).userShow.run(context, { user: 'demo-exceeded' }),
    },
  ];
}

function reconcileMonth({ seedAsOf, asOfFlag, folder }: DemoTimes): DemoStep[] {
  const month = monthBefore(seedAsOf);
  const differences = 'unlogged=4,duplicate_line=3,duration_mismatch=3,cost_mismatch=3,unbilled=2';
  const bill = join(folder, `vapi-calls-${month}.json`);
  const report = join(folder, `reconciliation-vapi-${month}.html`);
  return [
    {
      title: "The provider's bill of the last whole month, with a few surprises in it",
      command: `quota fixtures seed --as-of ${seedAsOf} --export vapi-calls --export-dir ${shellWord(folder)} --differences ${differences}`,
      explanation:
        'Made of the calls that were logged, as VAPI lists them. The users of the seed are there: none are added.',
      asOf: seedAsOf,
      run: async (context) =>
        (await import('../fixtures/seed.ts')).fixturesSeed.run(context, {
          export: ['vapi-calls'],
          exportDir: folder,
          differences,
        }),
    },
    {
      title: 'Is every billed cent explained?',
      command: `quota reconcile --month ${month} --export ${shellWord(bill)}${asOfFlag}`,
      explanation:
        'Every line and every call in one kind, and together they are the bill, to the last digit. Something differs: exit 3.',
      asOf: null,
      exitCode: exitCodes.differences,
      run: async (context) =>
        (await import('../reconcile/run.ts')).reconcileRun.run(context, { month, export: [bill] }),
    },
    {
      title: 'A page for finance',
      command: `quota reconcile report --month ${month} --report ${shellWord(report)}${asOfFlag}`,
      explanation: 'Open it in a browser, print it, send it round: it needs nothing else.',
      asOf: null,
      run: async (context) =>
        (await import('../reconcile/report.ts')).reconcileReport.run(context, { month, report }),
    },
  ];
}
