import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import { main } from '../src/cli/main.ts';
import type { ProcessLike } from '../src/cli/process-like.ts';

export interface CliResult {
  /** Null when the process was killed by a signal. */
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface CliOptions {
  /** The whole environment of the command: nothing of the developer's is passed on. */
  env?: Record<string, string>;
  /** The whole of stdin; on a terminal, what is typed at the first question. */
  input?: string;
  /** Makes stdin, stdout and stderr terminals of 100 columns. */
  tty?: boolean;
  cwd?: string;
}

/** No test may find the developer's database: without a DATABASE_URL this is where an embedded one would be. */
const environment = {
  QUOTA_DATA_DIR: join(tmpdir(), `quota-test-data-${process.pid}`),
  QUOTA_ACTOR: 'tester',
  PATH: process.env.PATH ?? '',
  // How the C library gets its memory (.ci/run): a program does the same with it, and is there sooner.
  ...(process.env.GLIBC_TUNABLES && { GLIBC_TUNABLES: process.env.GLIBC_TUNABLES }),
};

/** Runs a command line in this process: `runCli(['db', 'status'], { env: { DATABASE_URL: url } })`. */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const { process, stdout, stderr } = fakeProcess(args, options);
  const code = await main(process);
  return { code, stdout: stdout(), stderr: stderr() };
}

/** A process for `main` that keeps what is written and lets a test send signals. */
export function fakeProcess(args: readonly string[], { env, input, tty = false, cwd = '/' }: CliOptions) {
  const terminal = () => Object.assign(new PassThrough(), tty ? { isTTY: true, columns: 100 } : {});
  const [stdin, stdout, stderr] = [terminal(), unending(terminal()), unending(terminal())];
  if (!tty) {
    stdin.end(input);
  } else if (input !== undefined) {
    typeAtQuestion(stdin, stderr, input);
  }
  const listeners = new Map<string, (signal: NodeJS.Signals) => void>();
  const fake: ProcessLike = {
    argv: ['node', 'quota', ...args],
    env: { ...environment, ...env },
    platform: process.platform,
    pid: process.pid,
    stdin,
    stdout,
    stderr,
    cwd: () => cwd,
    kill: () => true,
    on: (signal, listener) => listeners.set(signal, listener),
    off: (signal) => listeners.delete(signal),
  };
  return {
    process: fake,
    stdout: collect(stdout),
    stderr: collect(stderr),
    signal: (name: NodeJS.Signals) => listeners.get(name)?.(name),
  };
}

/** Ctrl-C. */
const givesUp = '\u0003';

/** A prompt drops what was typed before it listens and has asked. Whoever gives up does so at later questions, too. */
function typeAtQuestion(stdin: PassThrough, stderr: PassThrough, input: string): void {
  const onListener = (event: string) => {
    if (event === 'keypress') {
      stdin.off('newListener', onListener);
      stderr.on('data', onText);
    }
  };
  const onText = (text: Buffer) => {
    if (text.includes('?')) {
      stderr.off('data', onText);
      setImmediate(() => {
        stdin.write(input);
        if (input.endsWith(givesUp)) {
          typeAtQuestion(stdin, stderr, givesUp);
        }
      });
    }
  };
  stdin.on('newListener', onListener);
}

/** A pipe does not end a process's own streams. */
const unending = <Stream extends PassThrough>(stream: Stream) => Object.assign(stream, { end: () => stream });

function collect(stream: PassThrough): () => string {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString();
}

export interface BinRun {
  pid: number;
  kill(signal: NodeJS.Signals): boolean;
  result: Promise<CliResult>;
}

/** Starts the built bin (`npm run build` first) and returns at once. */
export function startBin(args: readonly string[], { env, input = '', cwd }: CliOptions = {}): BinRun {
  const child = spawn(process.execPath, [resolve('dist/bin/quota.js'), ...args], {
    env: { ...environment, ...env },
    cwd,
    stdio: 'pipe',
  });
  const result = new Promise<CliResult>((settle, reject) => {
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code) => settle({ code, stdout, stderr }));
  });
  child.stdin.on('error', () => {}); // The command may end without reading its input.
  child.stdin.end(input);
  return { pid: child.pid ?? 0, kill: (signal) => child.kill(signal), result };
}

/** Runs the built bin to its end. */
export const runBin = (args: readonly string[], options?: CliOptions): Promise<CliResult> =>
  startBin(args, options).result;
