import type { Command } from 'commander';
import { examples } from '../examples.ts';
import type { Run } from '../run-command.ts';

export function addDemoCommand(program: Command, run: Run): void {
  program
    .command('demo')
    .description('the whole story in a minute, on a database of its own and a simulated VAPI')
    .addHelpText(
      'after',
      `\nThe database is an embedded one in "demo" under the data directory, made anew each time; DATABASE_URL and the
database that you work with are left alone.`,
    )
    .addHelpText(
      'after',
      examples(
        ['quota demo', 'step by step, each with the command that does it'],
        ['quota demo --json', 'the same as a list of steps with their results'],
        ['quota demo --as-of 2026-12-31T23:00:00Z', 'as it would be told on another day'],
      ),
    )
    .action(run(async () => (await import('../../commands/demo/demo.ts')).demo));
}
