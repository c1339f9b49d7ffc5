import type { Context } from '../../context.ts';
import type { ExitCode } from '../../errors.ts';
import { assistantFiles } from '../../imports/assistant-files.ts';
import { type ImportCommandOptions, runImport } from './run-import.ts';

/**
 * `quota import assistants`: an `ImportReport`. `--update` renames existing assistants; `unchangeable` are those
 * that the file gives to another user.
 */
export const importAssistants = (context: Context, options: ImportCommandOptions): Promise<ExitCode> =>
  runImport(context, assistantFiles, options);
