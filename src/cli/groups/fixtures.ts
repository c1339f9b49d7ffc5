import type { Command } from 'commander';
import { usageError } from '../../errors.ts';
import { parseInteger, parseMonth } from '../../values/option-values.ts';
import { examples } from '../examples.ts';
import { addChangeOptions, repeatedOption, valueOption } from '../global-options.ts';
import type { Run } from '../run-command.ts';

export function addFixturesCommands(program: Command, run: Run): void {
  const fixtures = program.command('fixtures').description('made-up data for development, CI and demos');

  addChangeOptions(fixtures.command('seed'))
    .description('fill an empty database with users of every plan in every state, the same every time')
    .addOption(
      valueOption(
        '--seed <n>',
        'which of the possible worlds (default: 1)',
        parseInteger({ min: 0, max: 2 ** 31 - 1 }),
      ),
    )
    .addOption(valueOption('--users <n>', 'how many users (default: 200)', parseInteger({ max: 10_000_000 })))
    .addOption(
      valueOption(
        '--calls <n>',
        'how many call logs (default: 25 for each user)',
        parseInteger({ min: 0, max: 1_000_000_000 }),
      ),
    )
    .addOption(
      repeatedOption('--export <format>', 'also write the bill of a month; all: in every format', String),
    )
    .addOption(
      valueOption('--export-month <month>', 'of which month (default: the last whole one)', parseMonth),
    )
    .option('--export-dir <folder>', 'where to (default: the working directory)')
    .option('--differences <kinds>', 'in what it differs from the calls: unlogged=2,duration_mismatch=3')
    .option('--force', 'beside users that are not of a seed; asks for the name of the database')
    .addHelpText(
      'after',
      `\nWithout --as-of the data is made for 2026-11-15T12:00:00Z, so that it is the same on every day; give the
same instant to the commands that look at it, or seed with --as-of and the present time.

Formats of --export: vapi-calls, vapi-calls-jsonl, vapi-calls-v2, csv, heygen-sessions, liveavatar-sessions,
openai-costs-csv, openai-usage-csv, openai-costs, anthropic-costs, focus. A bill agrees with the calls that were logged, but for the
differences that are asked for; a seed that is there already is billed as it is.`,
    )
    .addHelpText(
      'after',
      examples(
        ['quota fixtures seed', '200 users and 5000 call logs'],
        ['quota fixtures seed --dry-run', 'see who would be made, and in which state'],
        ['quota fixtures seed --seed 7 --users 100000 --calls 1000000', 'for a load test'],
        ['quota fixtures seed --as-of "$(date -u +%FT%TZ)"', 'as things stand now'],
        [
          'quota fixtures seed --export vapi-calls --differences unlogged=2,duration_mismatch=3',
          'with its bill',
        ],
        ['quota user show demo-exceeded --as-of 2026-11-15T12:00:00Z', 'look at one of them'],
      ),
    )
    .action(run(async () => (await import('../../commands/fixtures/seed.ts')).fixturesSeed));

  fixtures
    .command('serve-vapi')
    .description('serve a simulated VAPI, as strict as the real one, until it is interrupted')
    .addOption(
      valueOption('--port <n>', 'where to listen (default: any free port)', parseInteger({ max: 65_535 })),
    )
    .option('--api-key <key>', 'the key that it accepts (default: vapi-simulator-key)')
    .addOption(
      valueOption(
        '--assistants <n>',
        'how many sample assistants (default: 0)',
        parseInteger({ max: 100_000 }),
      ),
    )
    .addOption(valueOption('--seed <n>', 'which samples and faults (default: 1)', parseInteger({ min: 0 })))
    .addOption(valueOption('--latency-ms <n>', 'before each answer', parseInteger({ min: 0, max: 600_000 })))
    .addOption(
      valueOption('--rate-limit-per-second <n>', 'more is answered with 429', parseInteger({ max: 100_000 })),
    )
    .addOption(valueOption('--fault-rate <share>', 'share of requests that go wrong, 0 to 1', parseShare))
    .addHelpText(
      'after',
      examples(
        [
          'quota fixtures serve-vapi --port 4242 --assistants 20',
          'another terminal can use it as VAPI_BASE_URL',
        ],
        ['quota fixtures serve-vapi --fault-rate 0.2 --latency-ms 50', 'on a bad day'],
      ),
    )
    .action(run(async () => (await import('../../commands/fixtures/serve-vapi.ts')).fixturesServeVapi));
}

function parseShare(value: string): number {
  const share = /^(?:0|1|0?\.\d{1,6})$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isNaN(share)) {
    throw usageError(`"${value}" is not a share`, { suggestion: 'write it like 0.2' });
  }
  return share;
}
