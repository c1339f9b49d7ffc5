import type { Command } from 'commander';
import { parseChoice } from '../../values/option-values.ts';
import { examples } from '../examples.ts';
import { addChangeOptions, repeatedOption, valueOption } from '../global-options.ts';
import type { Run } from '../run-command.ts';

export function addImportCommands(program: Command, run: Run): void {
  const group = program
    .command('import')
    .description('load users, assistants and call logs from files; the same file again adds nothing');

  addFileOptions(group.command('users'))
    .description('users with their plans: external_id, email, name, signup_at, timezone, plan')
    .addHelpText(
      'after',
      examples(
        ['quota import users users.csv', 'add those that are not there yet'],
        [
          'quota import users crm.csv --map "ID=external_id" --map "Notes="',
          'own headers; leave a column out',
        ],
        ['quota import users users.csv --update --dry-run', 'how many would be added and changed'],
      ),
    )
    .action(run(async () => (await import('../../commands/import/users.ts')).importUsers));

  addFileOptions(group.command('assistants'))
    .description('assistants of users: provider_assistant_id, user_external_id, name')
    .addHelpText(
      'after',
      examples(['quota import assistants assistants.csv', 'add those that are not there yet']),
    )
    .action(run(async () => (await import('../../commands/import/assistants.ts')).importAssistants));

  addCallLogImport(group.command('call-logs'), run);
}

/** Also `quota usage import`. */
export function addCallLogImport(command: Command, run: Run): void {
  const name = `quota ${command.parent?.name()} ${command.name()}`;
  addFileOptions(command)
    .description(
      'calls, sessions, jobs and messages: provider_call_id, provider_assistant_id, user_external_id, started_at, ' +
        'ended_at, duration_seconds, cost, status, service, provider, model, messages, words_spoken, ' +
        'file_size_bytes, error_message, metadata',
    )
    .option('--service <service>', 'of lines that name none (default: voice)')
    .option('--provider <provider>', 'of lines that name none (default: vapi, for voice)')
    .addOption(
      valueOption(
        '--format <format>',
        "table, or vapi-events: end-of-call reports as VAPI's webhook gets them (default: table)",
        parseChoice('table', 'vapi-events'),
      ),
    )
    .addHelpText(
      'after',
      examples(
        [`${name} call_logs.csv`, 'CSV or JSONL, also gzipped'],
        [`${name} chats.jsonl --service chat --provider anthropic`, 'another service'],
        [`${name} events.jsonl --format vapi-events`, 'webhooks that were lost'],
        [`zstd -dc calls.zst | ${name} -`, 'from a pipe'],
        [`${name} calls.csv --skip-invalid`, 'load the rest; bad lines to calls.csv.rejects.csv'],
      ),
    )
    .action(run(async () => (await import('../../commands/import/call-logs.ts')).importCallLogs));
}

function addFileOptions(command: Command): Command {
  const options = command
    .argument('<file>', 'CSV with a header, or JSONL; gzip too; - is stdin')
    .addOption(
      repeatedOption('--map <theirs=ours>', 'a column under another name; "theirs=" leaves it out', String),
    )
    .option('--skip-invalid', 'load the good lines and write the others to a file')
    .option('--rejects <file>', 'where to write them (default: FILE.rejects.csv)')
    .option('--update', 'bring what is there already in line with the file')
    .option('--assume-utc', 'times without a zone are UTC')
    .addOption(
      valueOption(
        '--date-order <order>',
        'mdy, dmy or ymd: a spreadsheet wrote the file',
        parseChoice('mdy', 'dmy', 'ymd'),
      ),
    );
  return addChangeOptions(options);
}
