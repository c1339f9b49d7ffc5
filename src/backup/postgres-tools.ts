import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { configurationError, QuotaError, unavailableError } from '../errors.ts';

type Tool = 'pg_dump' | 'pg_restore';

/** What a program says before it fails, at most. */
const messageCharactersMax = 2000;

/** The major version of a program on the PATH; null: there is none. */
export function toolVersion(tool: Tool): Promise<number | null> {
  return new Promise((resolve) => {
    execFile(tool, ['--version'], (error, stdout) => {
      const [, major] = /\(PostgreSQL\) (\d+)/.exec(stdout) ?? [];
      resolve(error !== null || major === undefined ? null : Number(major));
    });
  });
}

export interface ToolRun {
  tool: Tool;
  arguments: readonly string[];
  environment?: NodeJS.ProcessEnv;
  signal: AbortSignal;
}

/**
 * Runs a program for the time of `use`, which may read what it prints; ends it whatever happens.
 * @throws configurationError where it is not there; unavailableError with its words where it fails
 */
export async function withTool<T>(
  { tool, arguments: words, environment, signal }: ToolRun,
  use: (stdout: AsyncIterable<Buffer>) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const child = spawn(tool, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(environment && { env: environment }),
  });
  const stop = () => child.kill();
  signal.addEventListener('abort', stop);
  const ended = endOf(tool, child);
  ended.catch(() => {}); // Asked below, once nothing more is read.
  try {
    const result = await use(child.stdout);
    await ended;
    signal.throwIfAborted();
    return result;
  } catch (error) {
    // A program that has said all it had to say is about to end by itself, and knows best why.
    const failure = child.stdout.readableEnded ? await ended.catch((cause: unknown) => cause) : child.kill();
    throw signal.aborted ? signal.reason : failure instanceof QuotaError ? failure : error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function endOf(tool: Tool, child: ChildProcess): Promise<void> {
  let message = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    message = (message + text).slice(-messageCharactersMax);
  });
  return new Promise((resolve, reject) => {
    child.on('error', (error: NodeJS.ErrnoException) => reject(missing(tool, error)));
    child.on('close', (code) => {
      if (code === 0) {
        resolve();
      } else {
        reject(unavailableError(`${tool} failed`, { detail: message.trim() || `exit ${code}` }));
      }
    });
  });
}

const missing = (tool: Tool, cause: Error) =>
  configurationError(`there is no ${tool} on this machine`, {
    detail: cause.message,
    suggestion: 'install the client of PostgreSQL (postgresql-client)',
    cause,
  });
