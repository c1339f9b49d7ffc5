import type pg from 'pg';
import type { Context, Settings } from '../src/context.ts';
import type { Example } from '../src/declarations/command.ts';
import type { Given, OptionDeclarations } from '../src/declarations/option.ts';
import type { Job, JobOutcome, JobScope, JobSettlement, SettleRequest } from '../src/jobs/job.ts';

/** What a run does: its batches, and what comes after them. */
export interface JobWork extends Pick<Job, 'runBatch' | 'withoutTransaction'> {
  /** Does the provider work that the batches queued, until the signal aborts. */
  settle?(client: pg.ClientBase, request: SettleRequest): Promise<JobSettlement>;
  /** What is said of work that is left, after its number. */
  unsettledText?: string;
}

/**
 * Everything about a cron job. Help, completion, `jobs list`, `jobs run NAME` and its own command follow from it: an
 * option that it does not declare is refused everywhere.
 */
export interface JobDefinition<Options extends OptionDeclarations = OptionDeclarations> {
  name: string;
  /** For help and lists. */
  summary: string;
  /** When it is expected to run, as in a crontab, in UTC; `QUOTA_SCHEDULES` says otherwise. */
  schedule: string;
  /** Whether the settings that it cannot do without are there. Default: it needs none. */
  isSetUp?(settings: Settings): boolean;
  /** What is counted, in the plural: `subscriptions`. */
  unit: string;
  /** `user`: a run can be for one user only (`--user`); else why it is for everybody at once. */
  scope: 'user' | { everybody: string };
  /** Measured: large enough to drown the cost of a statement, small enough to keep locks short. */
  batchSizeDefault: number;
  /** Besides those that every job has. */
  options: Options;
  /** Besides those that every job has. */
  examples?: readonly Example[];
  /** What makes a run with these options unlike that of every day; in production it is typed then. */
  danger?(options: Given<Options>): string[];
  countDue(client: pg.ClientBase, scope: JobScope, options: Given<Options>): Promise<number>;
  /** That reads what is kept of everybody: it is begun first where what is due of all jobs is counted side by side. */
  isDearToCount?: true;
  /** Some of what is due, for a dry run. */
  listDue(
    client: pg.ClientBase,
    scope: JobScope,
    limit: number,
    options: Given<Options>,
  ): Promise<Record<string, unknown>[]>;
  /** Opens what the run needs besides the database, for its time, before anything is touched. */
  withWork<T>(context: Context, options: Given<Options>, use: (work: JobWork) => Promise<T>): Promise<T>;
  /** The channel on which the database tells that there is something to do; wanted: the run stays and listens. */
  follow?: {
    channel: string;
    isWanted(options: Given<Options>): boolean;
    /** Looks so often for what no notice tells of, and makes it due. */
    nowAndThen?: { everyMs: number; look(client: pg.ClientBase): Promise<number> };
  };
  /** What the job tells as JSON; default: everything counted, by its name. */
  report?(outcome: JobOutcome): Record<string, unknown>;
}

/** A job with the types of its options checked. */
export const defineJob = <Options extends OptionDeclarations>(
  definition: JobDefinition<Options>,
): JobDefinition<Options> => definition;
