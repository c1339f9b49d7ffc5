import { type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import type { Pager } from './find-pager.ts';
import type { ResultStream } from './process-like.ts';
import { createStreamWriter, type StreamWriter } from './stream-writer.ts';

/** A writer whose reader is waited for in the end. */
export interface PagedWriter extends StreamWriter {
  end(): Promise<void>;
}

/** A writer that opens the pager where the first text is taller than the terminal, and else writes as ever. */
export function createPagedWriter(stdout: ResultStream, plain: StreamWriter, pager: Pager): PagedWriter {
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
function isTall(text: string, { rows = 0, columns = 80 }: ResultStream): boolean {
  const colour = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*m`, 'g');
  const taken = text
    .replace(colour, '')
    .split('\n')
    .reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / columns)), 0);
  return taken > rows; // The last line of a text is empty: there the shell asks for the next command.
}
