import type { Context } from '../context.ts';
import type { ExitCode } from '../errors.ts';
import { callLogFiles } from '../imports/call-log-files.ts';
import { type ImportCommandOptions, runImport } from './import-run.ts';

export interface ImportCallLogsOptions extends ImportCommandOptions {
  service?: string;
  provider?: string;
}

/**
 * `quota import call-logs`: an `ImportReport`. New calls count in the period of their start, at once. `--update`
 * brings existing calls in line with the file, and their usage along.
 */
export const importCallLogs = (
  context: Context,
  { service = 'voice', provider, ...options }: ImportCallLogsOptions,
): Promise<ExitCode> => runImport(context, callLogFiles({ service, provider }), options);
