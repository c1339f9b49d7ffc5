import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { ProcessLike } from './process-like.ts';

/** What is run, by a shell, to look through a long list. */
export interface Pager {
  command: string;
  env: Readonly<Record<string, string | undefined>>;
  /** Keeps Ctrl-C from this process while the pager has the terminal: it means the pager. */
  whileAway<T>(use: () => Promise<T>): Promise<T>;
}

/** What less is to do unless LESS says otherwise: leave a list of one screen alone, take colours, keep the screen. */
const lessOptions = 'FRX';

/**
 * QUOTA_PAGER, else PAGER, else less; undefined without a terminal, where none is wanted (`--no-pager`, an empty variable,
 * `cat`), or where it is not there.
 */
export function findPager(
  { stdout, env, platform }: Pick<ProcessLike, 'stdout' | 'env' | 'platform'>,
  isWanted: boolean,
): Pick<Pager, 'command' | 'env'> | undefined {
  const command = (env.QUOTA_PAGER ?? env.PAGER ?? 'less').trim();
  const isTerminal = stdout.isTTY === true && stdout.rows !== undefined && env.TERM !== 'dumb';
  if (!isWanted || !isTerminal || platform === 'win32' || command === '' || command === 'cat') {
    return undefined;
  }
  const [program = ''] = command.split(/\s+/);
  const isThere = /[^\w.+-]/.test(program) || isOnPath(program, env.PATH ?? '');
  return isThere ? { command, env: { ...env, LESS: env.LESS ?? lessOptions } } : undefined;
}

const isOnPath = (program: string, path: string): boolean =>
  path.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
