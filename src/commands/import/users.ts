import type { Context } from '../../context.ts';
import type { ExitCode } from '../../errors.ts';
import { userFiles } from '../../imports/user-files.ts';
import { type ImportCommandOptions, runImport } from './run-import.ts';

/**
 * `quota import users`: an `ImportReport`. `new` users get the plans of their line; a plan whose service an
 * existing user is not subscribed to is made too (`subscriptions`). `--update` brings email, name and zone of
 * existing users in line with the file; `unchangeable` are those whose signup or plan differs.
 */
export const importUsers = (context: Context, options: ImportCommandOptions): Promise<ExitCode> =>
  runImport(context, userFiles, options);
