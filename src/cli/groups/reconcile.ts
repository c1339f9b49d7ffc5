import type { Command } from 'commander';
import {
  parseChoice,
  parseCurrency,
  parseDecimal,
  parseInteger,
  parseMonth,
  parseRate,
  parseUuid,
} from '../../values/option-values.ts';
import { examples } from '../examples.ts';
import { addChangeOptions, repeatedOption, valueOption } from '../global-options.ts';
import type { Run } from '../run-command.ts';

export function addReconcileCommands(program: Command, run: Run): void {
  const group = program
    .command('reconcile')
    .description("hold a provider's bill of a month against the call logs; every line and log in one kind");
  addRunCommand(group, run);
  addLookCommands(group, run);
  addWorkCommands(group, run);
  addClosingCommands(group, run);
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
    .option('--from-api', 'fetch the calls of the month from VAPI instead; goes on where it was interrupted')
    .addOption(
      valueOption('--rate <n>', 'with --from-api: requests to VAPI per second (default: 5)', parseRate),
    )
    .addOption(
      valueOption(
        '--attempts <n>',
        'with --from-api: how often a request is sent at most (default: 5)',
        parseInteger({ max: 10 }),
      ),
    )
    .option('--replace', 'the exports take the place of those that the month has');
  addReaderOptions(command);
  addToleranceOptions(command);
  command.option('--report <file>', 'also write the month as a page (HTML) that needs nothing else');
  addChangeOptions(command)
    .addHelpText(
      'after',
      examples(
        ['quota reconcile --month 2026-10 --export vapi-calls.jsonl', 'the month as a table'],
        [
          'quota reconcile --month 2026-10 --from-api',
          "from VAPI, beside VAPI's own count; needs VAPI_API_KEY",
        ],
        ['quota reconcile --month 2026-10', 'the same exports against the logs as they are now'],
        ['quota reconcile --month 2026-10 --export a.csv.gz --export b.csv.gz --json', 'in several files'],
        [
          'quota reconcile run --month 2026-10 --export new.jsonl --replace',
          'a newer export; run can be left out',
        ],
        ['quota reconcile --month 2026-10 --report october.html', 'and a page to send round'],
      ),
    )
    .action(run(async () => (await import('../../commands/reconcile/run.ts')).reconcileRun));
}

function addReaderOptions(command: Command): void {
  command
    .option('--format <format>', 'of the exports (default: recognised from their content)')
    .addOption(
      repeatedOption(
        '--map <theirs=ours>',
        'a column of a CSV under another name; "theirs=" leaves it out',
        String,
      ),
    )
    .option('--mapping <name>', 'columns as saved under this name')
    .option('--save-mapping <name>', 'keep --map, --provider and --date-order under this name')
    .addOption(
      valueOption(
        '--date-order <order>',
        'mdy, dmy, ymd or serial: a spreadsheet wrote the file',
        parseChoice('mdy', 'dmy', 'ymd', 'serial'),
      ),
    )
    .addOption(
      valueOption('--decimal <sign>', 'comma: amounts are written 1.234,56', parseChoice('point', 'comma')),
    )
    .option('--assume-utc', 'times without a zone are UTC')
    .addOption(
      valueOption(
        '--currency <code>',
        'of amounts for which the file names none (default: USD)',
        parseCurrency,
      ),
    )
    .option('--fees-without-date', 'rows that name no call, day or time are fees of the month')
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

function addLookCommands(group: Command, run: Run): void {
  group
    .command('list')
    .description('the months that have been reconciled, what they came to, what is open')
    .addOption(valueOption('--month <month>', 'only this month', parseMonth))
    .addOption(valueOption('--provider <provider>', 'only this provider', lowerCase))
    .addHelpText('after', examples(['quota reconcile list', 'newest first']))
    .action(run(async () => (await import('../../commands/reconcile/list.ts')).reconcileList));

  addMonthOptions(group.command('show'))
    .description('a month with its kinds and rates; with --kind, --user or --open the calls behind it')
    .addOption(repeatedOption('--kind <kind>', 'the calls of this kind; can be repeated', String))
    .option('--user <user>', 'the calls of this user: id, external id or email')
    .option('--open', 'the calls that nobody has resolved')
    .addOption(valueOption('--limit <n>', 'so many calls (default: 50; csv and ndjson: all)', parseInteger()))
    .option('--after <cursor>', 'go on after the last page')
    .addHelpText(
      'after',
      examples(
        ['quota reconcile show --month 2026-10', 'where the month stands'],
        ['quota reconcile show --month 2026-10 --kind unlogged', 'billed calls without a log'],
        ['quota reconcile show --month 2026-10 --user ada@example.com --open', 'what is open of a user'],
        ['quota reconcile show --month 2026-10 --kind duplicate_line --output csv', 'for a spreadsheet'],
      ),
    )
    .action(run(async () => (await import('../../commands/reconcile/show.ts')).reconcileShow));

  group
    .command('report')
    .description('write a month as a page (HTML) for finance: self-contained, printable, with charts')
    .argument('[id]', 'of a reconciliation, as list --json shows it', parseUuid)
    .addOption(valueOption('--month <month>', 'the month: 2026-10', parseMonth))
    .addOption(valueOption('--provider <provider>', 'whose bill, where several have one', lowerCase))
    .option('-o, --report <file>', 'where to; - is stdout (default: reconciliation-PROVIDER-MONTH.html)')
    .addHelpText(
      'after',
      examples(
        ['quota reconcile report --month 2026-10', 'reconciliation-vapi-2026-10.html, in this folder'],
        ['quota reconcile report --month 2026-10 --provider heygen -o october.html', ''],
      ),
    )
    .action(run(async () => (await import('../../commands/reconcile/report.ts')).reconcileReport));
}

function addWorkCommands(group: Command, run: Run): void {
  addChangeOptions(
    addMonthOptions(group.command('resolve').argument('[ids...]', 'discrepancies, as show lists them')),
  )
    .description('say what became of discrepancies; corrected also brings the logs in line with the bill')
    .addOption(repeatedOption('--kind <kind>', 'all open ones of this kind; can be repeated', String))
    .option('--user <user>', 'only those of this user')
    .addOption(
      valueOption(
        '--as <resolution>',
        'accepted, disputed or corrected',
        parseChoice('accepted', 'disputed', 'corrected'),
      ).makeOptionMandatory(),
    )
    .option('--service <service>', 'of calls that are to be logged (default: what the provider sells)')
    .addHelpText(
      'after',
      examples(
        ['quota reconcile resolve 17 --month 2026-10 --as disputed --reason "ticket 4711" --yes', 'one'],
        [
          'quota reconcile resolve --month 2026-10 --kind cost_mismatch --as accepted --reason "new price" --yes',
          'all',
        ],
        [
          'quota reconcile resolve --month 2026-10 --kind duration_mismatch --as corrected --dry-run',
          'look first',
        ],
      ),
    )
    .action(run(async () => (await import('../../commands/reconcile/resolve.ts')).reconcileResolve));

  addChangeOptions(addMonthOptions(group.command('backfill')))
    .description(
      'log the calls that were billed and not logged; they count against the quotas of their users',
    )
    .option('--user <user>', 'only those of this user')
    .option('--service <service>', 'of the calls (default: what the provider sells)')
    .addHelpText(
      'after',
      examples(
        ['quota reconcile backfill --month 2026-10 --dry-run', 'which calls'],
        ['quota reconcile backfill --month 2026-10 --reason "webhook was down" --yes', 'log them'],
      ),
    )
    .action(run(async () => (await import('../../commands/reconcile/backfill.ts')).reconcileBackfill));
}

function addClosingCommands(group: Command, run: Run): void {
  addChangeOptions(addMonthOptions(group.command('close')))
    .description('freeze a month: nothing changes its answer any more, neither late calls nor late exports')
    .option('--force', 'although discrepancies are open; needs --reason')
    .addHelpText(
      'after',
      examples(
        ['quota reconcile close --month 2026-10 --yes', 'refused while anything is open'],
        ['quota reconcile close --month 2026-10 --confirm "vapi 2026-10"', 'in production'],
      ),
    )
    .action(run(async () => (await import('../../commands/reconcile/close.ts')).reconcileClose));

  addChangeOptions(addMonthOptions(group.command('reopen')))
    .description('open a closed month again; what it was closed with stays in the history')
    .addHelpText(
      'after',
      examples(['quota reconcile reopen --month 2026-10 --reason "a corrected bill has come" --yes', '']),
    )
    .action(run(async () => (await import('../../commands/reconcile/reopen.ts')).reconcileReopen));
}

function addMonthOptions(command: Command): Command {
  return command
    .addOption(valueOption('--month <month>', 'the month: 2026-10', parseMonth).makeOptionMandatory())
    .addOption(valueOption('--provider <provider>', 'whose bill, where several have one', lowerCase));
}

const lowerCase = (value: string) => value.trim().toLowerCase();
