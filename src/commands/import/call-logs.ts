import { defineCommand } from '../../declarations/command.ts';
import { flag, value } from '../../declarations/option.ts';
import { usageError } from '../../errors.ts';
import { callLogFiles } from '../../imports/call-log-files.ts';
import { loadCallLogs } from '../../imports/load-call-logs.ts';
import { parseChoice } from '../../values/option-values.ts';
import { fileArgument, fileOptions } from './file-options.ts';
import { runImport } from './run-import.ts';

/**
 * An `ImportReport`. New calls count in the period of their start, at once. `--update` brings existing calls in line
 * with the file, and their usage along.
 */
const callLogImport = (name: string) =>
  defineCommand(
    {
      arguments: fileArgument,
      options: {
        ...fileOptions,
        service: value('service', 'of lines that name none (default: voice)'),
        tellAlerts: flag('tell alerts of what these calls cross, as of calls that come as they happen'),
        atOnce: flag('in one transaction: all or nothing, and apps wait for its end'),
        provider: value('provider', 'of lines that name none (default: vapi, for voice)'),
        format: value(
          'format',
          "table; vapi-events: end-of-call reports as VAPI's webhook gets them; quota-events: what an app could not record (default: table)",
          parseChoice('table', 'vapi-events', 'quota-events'),
        ),
      },
      details: `Columns: provider_call_id, provider_assistant_id, user_external_id, started_at, ended_at, duration_seconds, cost,
status, service, provider, model, messages, words_spoken, file_size_bytes, error_message, metadata, quantities.`,
      examples: [
        [`${name} call_logs.csv`, 'CSV or JSONL, also gzipped'],
        [`${name} chats.jsonl --service chat --provider anthropic`, 'another service'],
        [`${name} events.jsonl --format vapi-events`, 'webhooks that were lost'],
        [`${name} spool.jsonl --format quota-events`, 'what an app kept while the database was away'],
        [`zstd -dc calls.zst | ${name} -`, 'from a pipe'],
        [`${name} calls.csv --skip-invalid`, 'load the rest; bad lines to calls.csv.rejects.csv'],
      ],
    },
    async (context, { service, provider, tellAlerts, atOnce, format = 'table', ...options }) => {
      if (format === 'quota-events') {
        refuseForEvents({ service, provider, tellAlerts, atOnce, update: options.update });
        const { eventFiles } = await import('../../imports/event-files.ts');
        const { replayStaged } = await import('../../imports/replay-staged.ts');
        return runImport(context, eventFiles, options, { load: replayStaged });
      }
      const kind = callLogFiles({ service: service ?? 'voice', provider });
      const load = loadCallLogs({ tellAlerts, atOnce });
      if (format === 'table') {
        return runImport(context, kind, options, { load });
      }
      if (options.map !== undefined) {
        throw usageError('--map is for files with columns of their own; vapi-events have none');
      }
      const { openVapiEvents } = await import('../../imports/vapi-event-file.ts');
      return runImport(context, kind, options, { load, open: (_, input) => openVapiEvents(input) });
    },
  );

/** @throws usageError where an option is given that events do not go by */
function refuseForEvents(options: Readonly<Record<string, unknown>>): void {
  const given = Object.keys(options).find((name) => options[name] !== undefined);
  if (given !== undefined) {
    const name = given.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw usageError(`--${name} is not for quota-events: each of them says what an app would have recorded`);
  }
}

export const importCallLogs = callLogImport('quota import call-logs');
export const usageImport = callLogImport('quota usage import');
