import type { Command } from 'commander';
import { parseHash, parseInstant, parseInteger, parseUuid } from '../../values/option-values.ts';
import { examples } from '../examples.ts';
import { repeatedOption, valueOption } from '../global-options.ts';
import type { Run } from '../run-command.ts';

export function addAuditCommands(program: Command, run: Run): void {
  const audit = program
    .command('audit')
    .description('the history: who changed what, when and why; is it intact');

  audit
    .command('log')
    .description('the changes, the newest first')
    .option('--user <user>', 'only of this user: id, external id or email')
    .addOption(
      repeatedOption('--action <action>', 'only usage.reset, or all of usage; can be repeated', (text) =>
        text.trim(),
      ),
    )
    .addOption(valueOption('--since <instant>', 'only from then on', parseInstant))
    .addOption(valueOption('--until <instant>', 'only before then', parseInstant))
    .addOption(valueOption('--run <id>', 'only of this run of a job', parseUuid))
    .addOption(
      valueOption(
        '--limit <count>',
        'at most so many (default: 50; csv and ndjson: all)',
        parseInteger({ max: 100_000 }),
      ),
    )
    .addOption(
      valueOption('--after <id>', 'go on where the page before ended', (text) =>
        String(parseInteger({ max: 999_999_999_999_999 })(text)),
      ),
    )
    .addHelpText(
      'after',
      examples(
        ['quota audit log --user ada@example.com', 'what was changed for a user'],
        [
          'quota audit log --action usage.reset --since 2026-11-01 --json',
          'resets by hand, with before and after',
        ],
        ['quota audit log --output csv', 'all of it'],
      ),
    )
    .action(run(async () => (await import('../../commands/audit/log.ts')).auditLog));

  audit
    .command('verify')
    .description(
      'recompute the seals over the history; exit 3 where a sealed row was changed, added or removed',
    )
    .option('--seal', 'seal the rows since the last seal, if all before them hold')
    .addOption(
      valueOption('--expect <hash>', 'a head that was printed earlier and kept elsewhere', parseHash),
    )
    .addHelpText(
      'after',
      examples(
        ['quota audit verify', 'is the history as it was sealed?'],
        ['quota audit verify --seal --json', 'every night: .head.hash is to be kept elsewhere'],
        [`quota audit verify --expect 9f86d081…`, 'was everything up to that head left alone?'],
      ),
    )
    .action(run(async () => (await import('../../commands/audit/verify.ts')).auditVerify));
}
