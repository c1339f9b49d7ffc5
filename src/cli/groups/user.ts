import type { Command } from 'commander';
import { examples } from '../examples.ts';
import type { Run } from '../run-command.ts';

export function addUserCommands(program: Command, run: Run): void {
  const user = program
    .command('user')
    .description('users: what is left, until when, why blocked; resets (USER: id, external id or email)');

  user
    .command('show')
    .argument('<user>', 'id, external id or email')
    .description('how much is left, of what, until when, why it is blocked, which assistants are limited')
    .addHelpText(
      'after',
      examples(
        ['quota user show ada@example.com', 'what support asks'],
        ['quota user show user_00042 --json', 'for scripts: .subscriptions[].quotas[].remaining'],
        ['quota user show user_00042 --as-of 2026-12-01', 'as it will be on the first of December'],
      ),
    )
    .action(run(async () => (await import('../../commands/user-show.ts')).userShow));
}
