import type pg from 'pg';
import type { Line } from './line.ts';
import type { Step } from './step.ts';

/** Where a step is done: in the main database, or in the shards, which are looked at as if they were one. */
export interface Ground {
  readonly folder: string;
  /** A folder on a disk without room; undefined where none can be made. */
  readonly fullDisk: string | undefined;
  readonly line: Line | undefined;
  /** Looks at what is stored, past every fault. */
  look<Row extends pg.QueryResultRow = Record<string, string | null>>(
    sql: string,
    values?: unknown[],
  ): Promise<Row[]>;
  /** A connection of an app, to where the user of the step is. */
  connect(name: string, step: Step): Promise<pg.Client>;
  /** The environment of a command. */
  environment(step: Step): NodeJS.ProcessEnv;
  /** Kills the server, or stops it at once. */
  crash(signal: 'SIGKILL' | 'SIGQUIT'): Promise<void>;
}
