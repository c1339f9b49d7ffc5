import type { Command } from 'commander';
import { examples } from '../examples.ts';
import { addChangeOptions, valueOption } from '../global-options.ts';
import type { Run } from '../run-command.ts';
import { parseDecimal, parseInstant } from '../values.ts';

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

  addChangeOptions(user.command('grant'))
    .argument('<user>', 'id, external id or email')
    .argument('<meter>', 'voice_seconds, messages, …')
    .argument('<amount>', 'in the unit of the meter: seconds or messages', parseDecimal())
    .addOption(
      valueOption('--expires <instant>', 'when what is left of it is lost (default: never)', parseInstant),
    )
    .description("give extra allowance: used after the plan's, earliest expiry first; survives resets")
    .addHelpText(
      'after',
      examples(
        ['quota user grant ada@example.com voice_seconds 300 --reason "outage" --yes', 'five minutes more'],
        [
          'quota user grant user_00042 messages 50 --expires 2027-01-31 --reason "promo" --dry-run',
          'look first',
        ],
      ),
    )
    .action(run(async () => (await import('../../commands/user-grant.ts')).userGrant));
}
