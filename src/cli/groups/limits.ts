import type { Command } from 'commander';
import {
  parseDurationSeconds,
  parseField,
  parseInteger,
  parseRate,
  parseThrough,
} from '../../values/option-values.ts';
import { examples } from '../examples.ts';
import { addChangeOptions, repeatedOption, valueOption } from '../global-options.ts';
import type { Run } from '../run-command.ts';

export function addLimitsCommands(program: Command, run: Run): void {
  const limits = program
    .command('limits')
    .description('limits on VAPI assistants: look, apply, restore, sync');

  addProviderOptions(limits.command('status').argument('[user]', 'id, external id or email'))
    .description('what each assistant should be, what is recorded, and why it failed')
    .option('--check', 'ask VAPI what the assistants really have (GET only)')
    .addOption(valueOption('--limit <n>', 'list at most so many assistants (default: 1000)', parseInteger()))
    .addHelpText(
      'after',
      examples(
        ['quota limits status', 'everything that is, was or should be limited; failures first'],
        ['quota limits status user_00042', "one user's assistants"],
        ['quota limits status --check', 'who was changed at VAPI, or limited by somebody else'],
      ),
    )
    .action(run(async () => (await import('../../commands/limits/status.ts')).limitsStatus));

  addChangeOptions(addDrainOptions(limits.command('apply').argument('[user]', 'id, external id or email')))
    .description('limit the assistants of a user, or of everybody who is over the allowance')
    .option('--exceeded', 'everybody who is over the allowance and not limited')
    .addHelpText(
      'after',
      examples(
        ['quota limits apply user_00042 --dry-run', 'what would be sent to VAPI, field by field'],
        ['quota limits apply user_00042 --yes --reason "abuse, ticket 4711"', 'until the next reset'],
        ['quota limits apply --exceeded --yes', 'whoever slipped through'],
      ),
    )
    .action(run(async () => (await import('../../commands/limits/apply.ts')).limitsApply));

  addChangeOptions(
    addProviderOptions(limits.command('restore').argument('[user]', 'id, external id or email')),
  )
    .description('give assistants back what they had before they were limited')
    .option('--all-reset', 'everybody whose limit is lifted, but not at VAPI')
    .addOption(
      valueOption(
        '--to-original-of <date>',
        'the originals recorded last until this day or instant, whatever is found',
        parseThrough,
      ),
    )
    .option('--originals <file>', 'end-of-call reports with the originals of assistants whose own is unknown')
    .addOption(
      repeatedOption('--set <field=value>', 'a value for assistants whose original is unknown', parseField),
    )
    .addHelpText(
      'after',
      examples(
        ['quota limits restore user_00042 --yes', 'lift the limit now'],
        ['quota limits restore --all-reset --yes', 'try again whatever a reset could not restore'],
        ['quota limits restore user_00042 --to-original-of 2026-10-01 --yes', 'an earlier original'],
        ['quota limits restore --all-reset --originals reports.jsonl.gz', 'limited by another application'],
        [
          "quota limits restore user_00042 --set maxDurationSeconds=900 --set 'firstMessage=Hello'",
          'by hand',
        ],
      ),
    )
    .action(run(async () => (await import('../../commands/limits/restore.ts')).limitsRestore));

  addProviderOptions(limits.command('sync'))
    .description('bring every assistant to its desired state: drain the queue, put lost limits on again')
    .option('--dry-run', 'read the assistants and show what would be changed, field by field')
    .addOption(
      valueOption(
        '--recheck-after <time>',
        'look only at limited assistants that nobody looked at for so long (default: all)',
        parseDurationSeconds,
      ),
    )
    .addHelpText(
      'after',
      examples(
        ['quota limits sync', 'exit code 75 while something is left queued'],
        ['quota limits sync --dry-run', 'what would be sent to VAPI'],
        ['quota limits sync --rate 20 --concurrency 10', 'faster, if your organisation may'],
      ),
    )
    .action(run(async () => (await import('../../commands/limits/sync.ts')).limitsSync));
}

/** What every command has that queues work for VAPI and does it at once. */
export const addDrainOptions = (command: Command): Command =>
  addProviderOptions(command).option(
    '--no-sync',
    'only queue what is to be done at VAPI; quota limits sync does it',
  );

/** What every command has that works at VAPI. */
export function addProviderOptions(command: Command): Command {
  return command
    .addOption(valueOption('--rate <n>', 'requests to VAPI per second (default: 5)', parseRate))
    .addOption(
      valueOption(
        '--concurrency <n>',
        'assistants worked on at once (default: 5)',
        parseInteger({ max: 50 }),
      ),
    )
    .addOption(
      valueOption(
        '--attempts <n>',
        'how often a request is sent at most (default: 5)',
        parseInteger({ max: 10 }),
      ),
    )
    .option('--limited-state <file>', 'JSON or YAML file with the fields of a limited assistant');
}
