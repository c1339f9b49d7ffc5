import type { Context } from '../../context.ts';
import { type ExitCode, usageError } from '../../errors.ts';
import { callLogFiles } from '../../imports/call-log-files.ts';
import { type ImportCommandOptions, runImport } from './run-import.ts';

export interface ImportCallLogsOptions extends ImportCommandOptions {
  service?: string;
  provider?: string;
  /** `vapi-events`: webhook bodies with end-of-call reports. */
  format?: 'table' | 'vapi-events';
}

/**
 * `quota import call-logs`: an `ImportReport`. New calls count in the period of their start, at once. `--update`
 * brings existing calls in line with the file, and their usage along.
 */
export async function importCallLogs(
  context: Context,
  { service = 'voice', provider, format = 'table', ...options }: ImportCallLogsOptions,
): Promise<ExitCode> {
  const kind = callLogFiles({ service, provider });
  if (format === 'table') {
    return runImport(context, kind, options);
  }
  if (options.map !== undefined) {
    throw usageError('--map is for files with columns of their own; vapi-events have none');
  }
  const { openVapiEvents } = await import('../../imports/vapi-event-file.ts');
  return runImport(context, kind, options, (_, input) => openVapiEvents(input));
}
