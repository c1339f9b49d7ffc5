import { type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { PassThrough } from 'node:stream';
import type { ProcessLike, TerminalStream } from './process-like.ts';
import { createStreamWriter, type StreamWriter } from './stream-writer.ts';

/** What is run, by a shell, to look through a long list. */
export interface Pager {
  command: string;
  env: Readonly<Record<string, string | undefined>>;
  /** Keeps Ctrl-C from this process while the pager has the terminal: it means the pager. */
  whileAway<T>(use: () => Promise<T>): Promise<T>;
}

/** A writer whose reader is waited for in the end. */
export interface PagedWriter extends StreamWriter {
  end(): Promise<void>;
}

/** What less is to do unless LESS says otherwise: leave a list of one screen alone, take colours, keep the screen. */
const lessOptions = 'FRX';

/**
 * QUOTA_PAGER, else PAGER, else less; undefined without a terminal, where none is wanted (`--no-pager`, an empty variable,
 * `cat`), or where it is not there.
 */
export function pagerOf(
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

/** A writer that opens the pager where the first text is taller than the terminal, and else writes as ever. */
export function createPagedWriter(stdout: TerminalStream, plain: StreamWriter, pager: Pager): PagedWriter {
  let chosen: PagedWriter | undefined;
  return {
    write(text) {
      if (text !== '') {
        chosen ??= isTall(text, stdout) ? openPager(pager) : { ...plain, end: async () => {} };
      }
      return (chosen ?? plain).write(text);
    },
    end: async () => chosen?.end(),
  };
}

function openPager({ command, env, whileAway }: Pager): PagedWriter {
  const how: SpawnOptions = { stdio: ['pipe', 'inherit', 'inherit'], env: { ...env } };
  const [program = '', ...args] = command.split(/\s+/);
  // A shell would end at Ctrl-C while its program goes on: only what needs one gets one.
  const child = /^[\w.+=/ -]+$/.test(command)
    ? spawn(program, args, how)
    : spawn(command, { ...how, shell: true });
  const stdin = child.stdin ?? new PassThrough();
  // Left before the end: what is written then has no reader, and that is no error.
  const writer = createStreamWriter(stdin);
  const gone = whileAway(async () => {
    await Promise.race([once(child, 'close'), once(child, 'error')]);
  });
  return {
    ...writer,
    end: () => {
      stdin.end();
      return gone;
    },
  };
}

/** A line takes as many rows as it is wide; colours take none. */
function isTall(text: string, { rows = 0, columns = 80 }: TerminalStream): boolean {
  const colour = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*m`, 'g');
  const taken = text
    .replace(colour, '')
    .split('\n')
    .reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / columns)), 0);
  return taken > rows; // The last line of a text is empty: there the shell asks for the next command.
}
