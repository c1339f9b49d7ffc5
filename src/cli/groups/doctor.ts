import type { Command } from 'commander';
import { parseInteger } from '../../values/option-values.ts';
import { examples } from '../examples.ts';
import { valueOption } from '../global-options.ts';
import type { Run } from '../run-command.ts';

export function addDoctorCommand(program: Command, run: Run): void {
  program
    .command('doctor')
    .description(
      'recompute quotas from their facts and reconciled months from their lines, and look for what is stuck; changes no fact',
    )
    .option('--user <user>', 'only this user: id, external id or email')
    .option('--cache', 'hold the counters of the app in Redis against the facts instead (REDIS_URL)')
    .option('--rebuild', 'with --cache: put right the counters that differ')
    .option('--strict', 'exit 3 also on what only needs attention, not only on differences')
    .addOption(
      valueOption(
        '--limit <count>',
        'list at most so many findings of a check (default: 20)',
        parseInteger({ max: 100_000 }),
      ),
    )
    .addHelpText(
      'after',
      examples(
        ['quota doctor', 'is everything as the facts say?'],
        ['quota doctor --strict --json', 'for monitoring: exit 3 on anything found'],
        ['quota doctor --cache --rebuild', "the app's counters, after what it cannot know of"],
        ['quota doctor --user ada@example.com', 'one user, in a moment'],
      ),
    )
    .action(run(async () => (await import('../../commands/doctor/doctor.ts')).doctor));
}
