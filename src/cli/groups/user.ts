import type { Command } from 'commander';
import { parseChoice, parseDecimal, parseInstant, parseInteger } from '../../values/option-values.ts';
import { examples } from '../examples.ts';
import { addChangeOptions, repeatedOption, valueOption } from '../global-options.ts';
import type { Run } from '../run-command.ts';
import { addDrainOptions } from './limits.ts';

export function addUserCommands(program: Command, run: Run): void {
  const user = program
    .command('user')
    .description('users: what is left, until when, why blocked; resets (USER: id, external id or email)');

  user
    .command('list')
    .description('users with their subscriptions, each with the meter that is nearest to its limit')
    .addOption(repeatedOption('--service <service>', 'only this service; can be repeated', name))
    .addOption(repeatedOption('--plan <plan>', 'only this plan; can be repeated', name))
    .addOption(
      repeatedOption(
        '--state <state>',
        'only ok, warning, critical or exceeded; can be repeated',
        parseChoice('ok', 'warning', 'critical', 'exceeded'),
      ),
    )
    .option('--limited', 'only where assistants are limited')
    .option('--search <text>', 'only where external id, email or name contains this')
    .addOption(valueOption('--sort <order>', 'by name or by percent used', parseChoice('name', 'percent')))
    .addOption(limitOption())
    .option('--after <position>', 'go on where the page before ended')
    .addHelpText(
      'after',
      examples(
        ['quota user list --state exceeded --sort percent', 'who has run out'],
        ['quota user list --service voice --limited', 'whose assistants are limited'],
        ['quota user list --search example.com --output csv', 'all of them, for a spreadsheet'],
        ["quota user list --after 'user_00049/voice'", 'the next page'],
      ),
    )
    .action(run(async () => (await import('../../commands/user/list.ts')).userList));

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
    .action(run(async () => (await import('../../commands/user/show.ts')).userShow));

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
    .action(run(async () => (await import('../../commands/user/grant.ts')).userGrant));

  user
    .command('explain')
    .argument('<user>', 'id, external id or email')
    .option('--service <service>', 'voice, avatar, … (default: what is blocked, else what was used last)')
    .addOption(
      valueOption(
        '--period <period>',
        'current, previous, or a date within it (default: current)',
        (value) => (value === 'current' || value === 'previous' ? value : parseInstant(value)),
      ),
    )
    .description('the story of a quota: calls, resets, grants, thresholds, limits, plans; why it is blocked')
    .addHelpText(
      'after',
      examples(
        ['quota user explain ada@example.com', '"why am I blocked?" in one screen'],
        ['quota user explain user_00042 --service voice --period previous', 'the period before'],
        ['quota user explain user_00042 --period 2026-10-15 --output csv', 'every event of that period'],
      ),
    )
    .action(run(async () => (await import('../../commands/user/explain.ts')).userExplain));

  addChangeOptions(user.command('set-plan'))
    .argument('<user>', 'id, external id or email')
    .argument('<plan>', 'key of the plan')
    .addOption(
      repeatedOption(
        '--limit <meter=quantity>',
        "custom limit in place of the plan's: voice_seconds=15m, messages=200; those not named go",
        name,
      ),
    )
    .addOption(repeatedOption('--cost-limit <meter=amount>', 'custom cost limit: avatar_seconds=75', name))
    .description('put a user on a plan: its limit holds at once, the period and what is used of it stay')
    .addHelpText(
      'after',
      examples(
        ['quota user set-plan ada transcription-pro --reason "invoice 4711" --dry-run', 'look first'],
        ['quota user set-plan ada voice-free --limit voice_seconds=15m --reason "pilot"', 'a custom limit'],
        ['quota user set-plan ada voice-free --reason "pilot ended" --yes', "the plan's own limits again"],
      ),
    )
    .action(run(async () => (await import('../../commands/user/set-plan.ts')).userSetPlan));

  addChangeOptions(addDrainOptions(user.command('reset')))
    .argument('<user>', 'id, external id or email')
    .description(
      'set the usage of the running period back to nothing and restore limited assistants; audited',
    )
    .addOption(
      repeatedOption('--service <service>', 'only the meters of this service; can be repeated', name),
    )
    .addOption(repeatedOption('--meter <meter>', 'only this meter; can be repeated', name))
    .addHelpText(
      'after',
      examples(
        ['quota user reset ada --dry-run', 'before and after, nothing changed'],
        ['quota user reset ada --reason "outage, ticket 4711"', 'everything, after a question'],
        ['quota user reset ada --meter voice_seconds --reason goodwill --yes', 'one meter, in a script'],
        ['quota user reset ada --reason goodwill --confirm ada', 'in production'],
      ),
    )
    .action(run(async () => (await import('../../commands/user/reset.ts')).userReset));

  user
    .command('export')
    .argument('<user>', 'id, external id or email')
    .description('everything that is held about a user, as JSON')
    .addHelpText(
      'after',
      examples(
        ['quota user export ada@example.com > ada.json', 'answer a request for access'],
        ['quota user export user_00042 --output ndjson', 'one line per row'],
      ),
    )
    .action(run(async () => (await import('../../commands/user/export.ts')).userExport));

  addChangeOptions(user.command('erase'))
    .argument('<user>', 'id, external id or email')
    .description('take the person out for ever; usage, costs and history stay under an id that names nobody')
    .addHelpText(
      'after',
      examples(
        ['quota user erase ada@example.com --dry-run --reason "request 17"', 'what would go'],
        ['quota user erase user_00042 --reason "request 17" --yes', 'in a script'],
        ['quota user erase user_00042 --reason "request 17" --confirm user_00042', 'in production'],
      ),
    )
    .action(run(async () => (await import('../../commands/user/erase.ts')).userErase));

  user
    .command('history')
    .argument('<user>', 'id, external id or email')
    .description(
      'what was used in every period, the latest first: limit, corrections, resets, what came late',
    )
    .addOption(
      repeatedOption('--service <service>', 'only the meters of this service; can be repeated', name),
    )
    .addOption(repeatedOption('--meter <meter>', 'only this meter; can be repeated', name))
    .addOption(limitOption())
    .option('--after <position>', 'go on where the page before ended')
    .addHelpText(
      'after',
      examples(
        ['quota user history ada', 'the last periods'],
        ['quota user history ada --meter voice_seconds --json', 'with who reset it, when and why'],
        ['quota user history ada --output csv', 'all periods, for a spreadsheet'],
      ),
    )
    .action(run(async () => (await import('../../commands/user/history.ts')).userHistory));
}

const limitOption = () =>
  valueOption(
    '--limit <count>',
    'at most so many (default: 50; csv and ndjson: all)',
    parseInteger({ max: 100_000 }),
  );

const name = (value: string) => value.trim();
