import type { Context } from '../context.ts';
import { redactUrls } from '../db/redact-url.ts';
import { createContext } from './create-context.ts';
import type { GlobalOptions } from './global-options.ts';
import type { ProcessLike } from './process-like.ts';
import { createRedactor } from './redactor.ts';
import { readSettings } from './settings.ts';
import type { Interruption } from './signals.ts';

/** The value of a flag that is a secret, before anything of the command is read. */
const flagOf = (argv: readonly string[], flag: string): string | undefined => {
  const at = argv.findIndex((word) => word === flag || word.startsWith(`${flag}=`));
  return argv[at] === flag ? argv[at + 1] : argv[at]?.slice(flag.length + 1);
};

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
  interruption: Interruption,
  readsReplica: boolean,
): PreparedCommand {
  const { env, platform } = process;
  const { databaseUrl, envFile } = globals;
  const settings = readSettings({ databaseUrl, envFile, env, platform, cwd: process.cwd() });
  const redact = createRedactor({
    ...settings,
    pingUrl: flagOf(process.argv, '--ping-url') ?? settings.pingUrl,
  });
  // A database that is named is the one that is meant.
  const replicaUrl = readsReplica && databaseUrl === undefined ? settings.replicaUrl : undefined;
  const context = createContext(process, settings, globals, interruption, { redact, replicaUrl });
  if (databaseUrl !== undefined && redactUrls(databaseUrl) !== databaseUrl) {
    context.talk.warn(
      'everybody on this machine can read the password in --database-url in the list of processes: use DATABASE_URL or DATABASE_URL_FILE',
    );
  }
  return { context, redact };
}
