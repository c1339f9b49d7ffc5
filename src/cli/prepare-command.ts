import type { Context } from '../context.ts';
import { redactUrls } from '../db/redact-url.ts';
import { createContext } from './create-context.ts';
import type { GlobalOptions } from './global-options.ts';
import type { ProcessLike } from './process-like.ts';
import { createRedactor } from './redactor.ts';
import { readSettings } from './settings.ts';

export interface PreparedCommand {
  context: Context;
  /** Takes the secrets of the settings out of a text. */
  redact: (text: string) => string;
}

/**
 * Reads the settings and builds the context of a command: what every command needs and the program tree does not,
 * loaded as one piece.
 * @throws configurationError
 */
export function prepareCommand(
  process: ProcessLike,
  globals: GlobalOptions,
  signal: AbortSignal,
): PreparedCommand {
  const { env, platform } = process;
  const { databaseUrl, envFile } = globals;
  const settings = readSettings({ databaseUrl, envFile, env, platform, cwd: process.cwd() });
  const redact = createRedactor(settings);
  const context = createContext(process, settings, globals, signal, redact);
  if (databaseUrl !== undefined && redactUrls(databaseUrl) !== databaseUrl) {
    context.talk.warn(
      'everybody on this machine can read the password in --database-url in the list of processes: use DATABASE_URL or DATABASE_URL_FILE',
    );
  }
  return { context, redact };
}
