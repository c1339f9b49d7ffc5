import type { Command } from 'commander';
import { examples } from '../examples.ts';
import { addChangeOptions, repeatedOption, valueOption } from '../global-options.ts';
import type { Run } from '../run-command.ts';
import { parseChoice, parseDecimal, parseMonth } from '../values.ts';

export function addReconcileCommands(program: Command, run: Run): void {
  const group = program
    .command('reconcile')
    .description("hold a provider's bill of a month against the call logs; every line and log in one kind");
  addRunCommand(group, run);
}

/** What `quota reconcile --month …` runs: a group cannot have options that its commands have too. */
function addRunCommand(group: Command, run: Run): void {
  const command = group
    .command('run', { isDefault: true })
    .description('load exports, match them with the logs, store what differs; exit 3 if anything does')
    .addOption(
      valueOption('--month <month>', 'the month of the bill: 2026-10', parseMonth).makeOptionMandatory(),
    )
    .addOption(valueOption('--provider <provider>', 'whose bill (default: what the export says)', lowerCase))
    .addOption(
      repeatedOption('--export <file>', 'a billing export, gzip too; - is stdin; can be repeated', String),
    )
    .option('--replace', 'the exports take the place of those that the month has');
  addReaderOptions(command);
  addToleranceOptions(command);
  addChangeOptions(command)
    .addHelpText(
      'after',
      examples(
        ['quota reconcile --month 2026-10 --export vapi-calls.jsonl', 'the month as a table'],
        ['quota reconcile --month 2026-10', 'the same exports against the logs as they are now'],
        ['quota reconcile --month 2026-10 --export a.csv.gz --export b.csv.gz --json', 'in several files'],
        ['quota reconcile --month 2026-10 --export new.jsonl --replace', 'a newer export of the month'],
      ),
    )
    .action(run(async () => (await import('../../commands/reconcile-run.ts')).reconcileRun));
}

function addReaderOptions(command: Command): void {
  command
    .option('--format <format>', 'of the exports (default: recognised from their content)')
    .addOption(repeatedOption('--map <theirs=ours>', 'a column of a CSV under another name', String))
    .addOption(
      valueOption(
        '--date-order <order>',
        'mdy, dmy or ymd: a spreadsheet wrote the file',
        parseChoice('mdy', 'dmy', 'ymd'),
      ),
    )
    .option('--assume-utc', 'times without a zone are UTC')
    .option('--skip-invalid', 'leave out lines that cannot be read and write them to a file')
    .option('--rejects <file>', 'where to write them (default: FILE.rejects.ndjson)');
}

function addToleranceOptions(command: Command): void {
  const decimal = parseDecimal({ decimalsMax: 6 });
  command
    .addOption(
      valueOption('--duration-tolerance <seconds>', 'durations may differ by so much (default: 1)', decimal),
    )
    .addOption(
      valueOption('--cost-tolerance <amount>', 'costs may differ by so much (default: 0.005)', decimal),
    )
    .addOption(valueOption('--match-within <seconds>', 'starts of calls without an id (default: 5)', decimal))
    .addOption(
      valueOption('--day-tolerance-percent <percent>', 'sums of days may differ (default: 1)', decimal),
    )
    .addOption(valueOption('--day-tolerance-amount <amount>', 'or by this amount (default: 0.01)', decimal));
}

const lowerCase = (value: string) => value.trim().toLowerCase();
