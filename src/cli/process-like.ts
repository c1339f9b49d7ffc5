import type { Readable, Writable } from 'node:stream';

/** What `main` needs of a process, so that tests can run it in theirs. */
export interface ProcessLike {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly pid: number;
  readonly stdin: Readable & { isTTY?: boolean };
  readonly stdout: ResultStream;
  readonly stderr: TerminalStream;
  cwd(): string;
  kill(pid: number, signal: NodeJS.Signals): boolean;
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  off(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
}

/** Where results go. */
export interface ResultStream {
  write(text: string | Buffer, done?: (error?: Error | null) => void): boolean;
  on(event: 'error', listener: (error: Error) => void): unknown;
  isTTY?: boolean;
  columns?: number;
  rows?: number;
}

export type TerminalStream = Writable & { isTTY?: boolean; columns?: number; rows?: number };
