import type { Command } from 'commander';
import {
  parseChoice,
  parseDate,
  parseDecimal,
  parseInstant,
  parseInteger,
} from '../../values/option-values.ts';
import { examples } from '../examples.ts';
import { addChangeOptions, valueOption } from '../global-options.ts';
import type { Run } from '../run-command.ts';
import { addCallLogImport } from './import.ts';

export function addUsageCommands(program: Command, run: Run): void {
  const usage = program
    .command('usage')
    .description('usage: may a user go on, what was used (USER: id, external id or email)');

  usage
    .command('check')
    .argument('[user]', 'id, external id or email; nobody: somebody not signed in')
    .description('whether a user may use a service now, as an app would be answered')
    .requiredOption('--service <service>', 'voice, avatar, transcription, chat, …')
    .option('--model <model>', 'the model that would be used')
    .addOption(valueOption('--quantity <n>', 'seconds or messages that are needed', parseDecimal()))
    .addOption(
      valueOption(
        '--file-bytes <n>',
        'size of the file',
        parseInteger({ min: 0, max: Number.MAX_SAFE_INTEGER }),
      ),
    )
    .option('--assistant', 'ask whether one more assistant may be made')
    .addHelpText(
      'after',
      examples(
        ['quota usage check ada@example.com --service voice', 'may she call?'],
        [
          'quota usage check user_00042 --service transcription --file-bytes 26214400 --quantity 180',
          'a job',
        ],
        ['quota usage check --service chat --model claude-3-opus', 'somebody not signed in'],
      ),
    )
    .action(run(async () => (await import('../../commands/usage/check.ts')).usageCheck));

  addChangeOptions(usage.command('record'))
    .argument('<user>', 'id, external id or email')
    .description('record usage that no app recorded, once per key')
    .requiredOption('--service <service>', 'voice, avatar, transcription, chat, …')
    .requiredOption('--key <key>', "the provider's id of the call, or any key that tells it from others")
    .addOption(valueOption('--quantity <n>', 'seconds or messages', parseDecimal()).makeOptionMandatory())
    .option('--provider <provider>', 'default: the name of the service')
    .option('--model <model>', 'the model that was used')
    .option('--assistant <id>', "the assistant, by the provider's id")
    .addOption(valueOption('--cost <amount>', 'what it cost', parseDecimal({ decimalsMax: 10 })))
    .addOption(valueOption('--started-at <instant>', 'default: so long ago as it lasted', parseInstant))
    .addHelpText(
      'after',
      examples(
        [
          'quota usage record user_00042 --service voice --key 0194… --quantity 125.5 --yes',
          'a call whose webhook was lost',
        ],
        ['quota usage record user_00042 --service chat --key m1 --quantity 1 --dry-run', 'look first'],
      ),
    )
    .action(run(async () => (await import('../../commands/usage/record.ts')).usageRecord));

  usage
    .command('analytics')
    .description('usage per day, service, plan or user; use of plans; who will run out before the reset')
    .addOption(valueOption('--from <date>', 'first day, UTC (default: 30 days up to the last)', parseDate))
    .addOption(valueOption('--to <date>', 'last day, UTC (default: today)', parseDate))
    .addOption(
      valueOption(
        '--by <what>',
        'day, service, plan or user (default: service)',
        parseChoice('day', 'service', 'plan', 'user'),
      ),
    )
    .option('--service <service>', 'only voice, avatar, transcription, chat, …')
    .addOption(valueOption('--top <n>', 'so many users (default: 10)', parseInteger({ max: 100_000 })))
    .option('--html <file>', 'write the report as a page that needs nothing else, too')
    .addHelpText(
      'after',
      examples(
        ['quota usage analytics', 'the last 30 days'],
        ['quota usage analytics --by user --top 50 --output csv', 'who costs most, as a sheet'],
        ['quota usage analytics --from 2026-10-01 --to 2026-10-31 --html october.html', 'for finance'],
      ),
    )
    .action(run(async () => (await import('../../commands/usage/analytics.ts')).usageAnalytics));

  addCallLogImport(usage.command('import'), run);
}
