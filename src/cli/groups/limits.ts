import type { Command } from 'commander';
import { examples } from '../examples.ts';
import { valueOption } from '../global-options.ts';
import type { Run } from '../run-command.ts';
import { parseInteger, parseRate } from '../values.ts';

export function addLimitsCommands(program: Command, run: Run): void {
  const limits = program
    .command('limits')
    .description('limits on VAPI assistants: look, apply, restore, sync');

  addProviderOptions(limits.command('sync'))
    .description('bring every assistant to its desired state: drain the queue, put lost limits on again')
    .option('--dry-run', 'read the assistants and show what would be changed, field by field')
    .addHelpText(
      'after',
      examples(
        ['quota limits sync', 'exit code 75 while something is left queued'],
        ['quota limits sync --dry-run', 'what would be sent to VAPI'],
        ['quota limits sync --rate 20 --concurrency 10', 'faster, if your organisation may'],
      ),
    )
    .action(run(async () => (await import('../../commands/limits-sync.ts')).limitsSync));
}

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
